"""Shares of a number of things."""

from __future__ import annotations

import math


def rounded_up(share: float, number: int) -> int:
    """``share`` x ``number``, rounded up, but not for a float's error alone: 0.55 x 100
    is above 55."""
    return math.ceil(round(share * number, 6))
