"""mmagic's StyleGAN2 generator with classes, as integer labels."""

from __future__ import annotations

import functools
import logging

import torch
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.nn import functional as F


class WithLabels:
    """Put before a stock StyleGAN2 generator that has a ``cond_size``: labels are
    integers (N,), as in BigGAN; without one, as when path lengths are measured, they
    are drawn."""

    def forward(
        self, styles, label: Tensor | None = None, num_batches: int = -1, *args, **more
    ):
        if label is None:
            rows = num_batches if num_batches > 0 else _rows(styles)
            device = next(self.parameters()).device
            label = torch.randint(self.cond_size, (rows,), device=device)
        if not label.is_floating_point():
            label = F.one_hot(label.reshape(-1), self.cond_size).float()
        return super().forward(styles, label, num_batches, *args, **more)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        if not any(name.startswith(f'{prefix}embed.') for name in state_dict):
            # another mapping, whose layers have the numbers of ours but not the place
            lost = [n for n in state_dict if n.startswith(f'{prefix}style_mapping.')]
            for name in lost:
                del state_dict[name]
            if lost:
                print_log(
                    f'{prefix}style_mapping of an unconditional generator is left out '
                    'and learned anew',
                    logger='current',
                    level=logging.WARNING,
                )
        super()._load_from_state_dict(state_dict, prefix, *args)


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
    if isinstance(styles, Tensor):
        return len(styles)
    if isinstance(styles, list) and styles:
        return len(styles[0])
    raise ValueError('num_batches is needed where neither noise nor labels are given')


@functools.cache
def _with_labels(stock: type) -> type:
    return type(stock.__name__, (WithLabels, stock), {})
