"""mmagic's StyleGAN2 generator with classes, as integer labels."""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class WithLabels:
    """Put before a stock StyleGAN2 generator that has a ``cond_size``: labels are
    integers (N,), as in BigGAN; without one, as when path lengths are measured, they
    are drawn."""

    def forward(
        self, styles, label: Tensor | None = None, num_batches: int = -1, **options
    ):
        if label is None:
            rows = num_batches if num_batches > 0 else _rows(styles)
            device = next(self.parameters()).device
            label = torch.randint(self.cond_size, (rows,), device=device)
        if label.ndim == 1:
            label = F.one_hot(label, self.cond_size).float()
        return super().forward(styles, label=label, num_batches=num_batches, **options)


def take_labels(generator: nn.Module, num_classes: int) -> None:
    """Turn a stock StyleGAN2 generator into one that takes integer labels, in place.

    Raises: ValueError when it was built for another number of classes.
    """
    found = getattr(generator, 'cond_size', None)
    if found != num_classes:
        raise ValueError(
            f'model.generator.cond_size={found}, but model.num_classes={num_classes}'
        )
    generator.__class__ = _with_labels(type(generator))


def _rows(styles) -> int:
    return len(styles if isinstance(styles, Tensor) else styles[0])


@functools.cache
def _with_labels(stock: type) -> type:
    return type(stock.__name__, (WithLabels, stock), {})
