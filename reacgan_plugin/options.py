"""Checks of options; an error names the key, what was found and what is allowed."""

from __future__ import annotations

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
    names = [option for option in allowed if isinstance(option, str)]
    nearest = get_close_matches(str(value), names, n=1, cutoff=0.5)
    if not nearest:  # 'D2Dce' for 'D2DCE': only the case differs
        folded = {name.lower(): name for name in names}
        close = get_close_matches(str(value).lower(), folded, n=1, cutoff=0.5)
        nearest = [folded[name] for name in close]
    return f' (did you mean {nearest[0]!r}?)' if nearest else ''


def in_range(key: str, value: float, *, above: float, up_to: float | None = None):
    """The value, if above < value (<= up_to); else ValueError."""
    allowed = f'({above}, {up_to}]' if up_to is not None else f'above {above}'
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f'{key}={value!r} is no number; allowed: {allowed}')
    if value > above and (up_to is None or value <= up_to):
        return value
    raise ValueError(f'{key}={value!r} is out of range; allowed: {allowed}')


def whole(key: str, value: int, *, above: int) -> int:
    """The value, if it is a whole number and above < value; else ValueError."""
    if isinstance(in_range(key, value, above=above), int):
        return value
    raise ValueError(f'{key}={value!r} is no whole number; allowed: above {above}')


def some(names: Iterable[str], most: int = 10) -> str:
    """The first names of a list, and how many more there are."""
    names = list(names)
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return ', '.join(names[:most]) + more
