"""The gradient of a whole batch's loss with respect to what networks say of its rows,
cut into parts and put into a backward pass of each.

Where proxies depend on the class alone, those of one class are the same row, whichever
sample they belong to. Their gradients are summed onto the first of them, so that they
take a row a class, not one a sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from reacgan_plugin.gan.trees import tensors_of


class RowGradient(NamedTuple):
    """Of some rows of a tensor (N, ...); it is zero in all others."""

    values: Tensor  # (M, ...)
    rows: Tensor | None = None  # (M,) integers, ascending; None: all

    def split(self, sizes: list[int]) -> list[RowGradient]:
        """One for each of consecutive parts, which number their rows from zero."""
        if self.rows is None:
            return [RowGradient(values) for values in self.values.split(sizes)]
        parts, start = [], 0
        for size in sizes:
            inside = (start <= self.rows) & (self.rows < start + size)
            parts.append(RowGradient(self.values[inside], self.rows[inside] - start))
            start += size
        return parts

    def inner(self, tensor: Tensor) -> Tensor:
        """A scalar whose gradient with respect to the tensor is this one."""
        if self.rows is not None:
            tensor = tensor[self.rows]
        return (tensor * self.values).sum()


def row_gradients(tree, *, class_proxies: bool = False) -> list[RowGradient | None]:
    """Of every tensor inside, in order, after a backward pass; None without one.

    Args:
        tree: nested named tuples of leaves with N rows, such as a ``Judged``.
        class_proxies: proxies inside depend on the label beside them and on weights
            alone.
    """
    proxies = _proxies(tree) if class_proxies else ()
    labels = {id(proxy): label for proxy, label in proxies}
    return [
        None
        if tensor.grad is None
        else _gradient(tensor.detach(), tensor.grad, labels.get(id(tensor)))
        for tensor in tensors_of(tree)
    ]


def _gradient(tensor: Tensor, gradient: Tensor, label: Tensor | None) -> RowGradient:
    if label is None:
        return RowGradient(gradient)
    classes, own = label.unique(return_inverse=True)
    order = torch.arange(len(label), device=label.device)
    first = own.new_full((len(classes),), len(label))
    first = first.scatter_reduce(0, own, order, 'amin')
    if not torch.equal(tensor, tensor[first][own]):
        return RowGradient(gradient)  # of weights with dropout, for example
    rows, turn = first.sort()
    summed = gradient.new_zeros(len(classes), *gradient.shape[1:])
    return RowGradient(summed.index_add_(0, own, gradient)[turn], rows)


def _proxies(tree) -> Iterator[tuple[Tensor, Tensor]]:
    """All proxies inside, each with the labels beside it."""
    if getattr(tree, 'proxy', None) is not None:
        yield tree.proxy, tree.label
    for value in tree:
        if isinstance(value, tuple):
            yield from _proxies(value)
