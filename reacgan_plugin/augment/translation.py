"""Shifts of images by whole pixels."""

from __future__ import annotations

import torch
from torch import Tensor


def translated(x: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Images shifted by whole pixels, with zeros where nothing came from.

    One gather: exact, and on a CPU several times faster than an index a dimension or
    products with permutation matrices.

    Args:
        x: (N, C, H, W).
        down, right: (N,) integers, also negative.
    """
    rows, row_is_there = _sources(x.shape[2], down)
    columns, column_is_there = _sources(x.shape[3], right)
    index = (rows[:, :, None] * x.shape[3] + columns[:, None]).flatten(1)
    moved = x.flatten(2).gather(2, index[:, None].expand(-1, x.shape[1], -1))
    there = row_is_there[:, None, :, None] & column_is_there[:, None, None]
    return moved.view(x.shape) * there


def _sources(side: int, shift: Tensor) -> tuple[Tensor, Tensor]:
    """Where each of the positions of a side comes from (N, S), and whether there is
    anything."""
    source = torch.arange(side, device=shift.device) - shift[:, None]
    return source.clamp(0, side - 1), (source >= 0) & (source < side)
