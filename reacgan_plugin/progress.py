"""How far a long work is, where somebody looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from mmengine.utils import ProgressBar

Item = TypeVar('Item')


def shown(
    items: Iterable[Item], total: int, *, size: Callable[[Item], int]
) -> Iterator[Item]:
    """The items, with a bar on a terminal's standard error.

    Args:
        total: of the sizes of all items.
        size: how much of the work an item is.
    """
    bar = ProgressBar(total, file=sys.stderr) if sys.stderr.isatty() else None
    for item in items:
        yield item
        if bar is not None:
            bar.update(size(item))
    if bar is not None:
        print(file=sys.stderr)
