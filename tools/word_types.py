"""Words of a command line as numbers; for argparse's ``type``."""

from __future__ import annotations

import argparse
import math


def count(word: str) -> int:
    """A whole number of 1 or more."""
    if word.isdecimal() and int(word) > 0:
        return int(word)
    raise argparse.ArgumentTypeError(f'{word!r} is not allowed; allowed: 1 or more')


def seconds(word: str) -> float:
    """A time above 0."""
    try:
        number = float(word)
    except ValueError:
        number = 0.0
    if 0 < number < math.inf:
        return number
    raise argparse.ArgumentTypeError(f'{word!r} is not allowed; allowed: above 0')
