"""Checks of options; an error names the key, what was found and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from difflib import get_close_matches


def one_of(key: str, value, allowed: Iterable):
    """The value, if it is one of the allowed ones; else ValueError."""
    allowed = tuple(allowed)
    if value in allowed:
        return value
    listed = ', '.join(repr(option) for option in allowed)
    raise ValueError(
        f'{key}={value!r} is not known; allowed: {listed}{did_you_mean(value, allowed)}'
    )


def did_you_mean(value, allowed: Iterable) -> str:
    """' (did you mean ...?)' for the nearest allowed name, or ''."""
    found = nearest(value, allowed)
    return f' (did you mean {found!r}?)' if found else ''


def nearest(value, allowed: Iterable, cutoff: float = 0.5) -> str | None:
    """The allowed name that is most like a value, whatever its case, and at least as
    much as the cutoff (1: the same); or None."""
    names = {option.lower(): option for option in allowed if isinstance(option, str)}
    found = get_close_matches(str(value).lower(), names, n=1, cutoff=cutoff)
    return names[found[0]] if found else None


def in_range(key: str, value: float, *, above: float, up_to: float | None = None):
    """The value, if above < value (<= up_to); else ValueError."""
    allowed = f'({above}, {up_to}]' if up_to is not None else f'above {above}'
    if up_to is None and value == math.inf:
        allowed = f'a finite number {allowed}'
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f'{key}={value!r} is no number; allowed: {allowed}')
    if above < value < math.inf and (up_to is None or value <= up_to):
        return value
    raise ValueError(f'{key}={value!r} is out of range; allowed: {allowed}')


def whole(key: str, value: int, *, above: int) -> int:
    """The value, if it is a whole number and above < value; else ValueError."""
    if isinstance(in_range(key, value, above=above), int):
        return value
    raise ValueError(f'{key}={value!r} is no whole number; allowed: above {above}')


def at_least(key: str, value: float, least: float) -> float:
    """The value, if it is a finite number of at least ``least``; else ValueError."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and least <= value < math.inf:
        return value
    raise ValueError(f'{key}={value!r} is not allowed; allowed: {least} or more')


def counts(**values: int) -> None:
    """ValueError unless all are whole numbers above 0."""
    for key, value in values.items():
        whole(key, value, above=0)


def flag(key: str, value: bool) -> bool:
    """The value, if it is True or False; else ValueError."""
    if isinstance(value, bool):
        return value
    raise ValueError(f'{key}={value!r} is not allowed; allowed: True, False')


def some(names: Iterable[str], most: int = 10) -> str:
    """The first names of a list, and how many more there are."""
    names = list(names)
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return ', '.join(names[:most]) + more
