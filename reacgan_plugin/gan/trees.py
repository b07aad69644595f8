"""Nested named tuples of tensors, such as what a discriminator says."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor


def tensors_of(tree) -> Iterator[Tensor]:
    """The tensors inside, in order."""
    for value in tree:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, tuple):
            yield from tensors_of(value)


def rebuilt(tree, tensors: Iterator[Tensor]):
    """The same nested named tuples around other tensors; other values stay."""
    return type(tree)(
        *(
            next(tensors)
            if isinstance(value, Tensor)
            else rebuilt(value, tensors)
            if isinstance(value, tuple)
            else value
            for value in tree
        )
    )


def rows_of(tree, index: Tensor):
    """Some rows of every tensor inside; ``index`` is (M,) integers."""
    return rebuilt(tree, (tensor[index] for tensor in tensors_of(tree)))
