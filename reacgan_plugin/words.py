"""Words of a command line as numbers; for argparse's ``type``."""

from __future__ import annotations

import argparse
import math


def count(word: str) -> int:
    """A whole number of 1 or more."""
    return count_from(1, word)


def count_from(least: int, word: str) -> int:
    """A whole number of ``least`` or more; ``functools.partial`` makes it a type."""
    # of other digits that Unicode knows, int() does not read all
    if word.isdecimal() and int(word) >= least:
        return int(word)
    raise argparse.ArgumentTypeError(
        f'{word!r} is not allowed; allowed: {least} or more'
    )


def positive(word: str) -> float:
    """A finite number above 0."""
    try:
        number = float(word)
    except ValueError:
        number = 0.0
    if 0 < number < math.inf:
        return number
    raise argparse.ArgumentTypeError(
        f'{word!r} is not allowed; allowed: a number above 0'
    )
