"""Homogeneous matrices, one a sample. Letters: N batch, D dimensions."""

from __future__ import annotations

import torch
from torch import Tensor


def homogeneous(linear: Tensor, shift: Tensor) -> Tensor:
    """p -> linear p + shift as a matrix: (N, D, D), (N, D) -> (N, D + 1, D + 1)."""
    top = torch.cat([linear, shift[:, :, None]], dim=2)
    bottom = torch.zeros_like(top[:, :1])
    bottom[:, :, -1] = 1
    return torch.cat([top, bottom], dim=1)


def linear_map(linear: Tensor) -> Tensor:
    """(N, D, D) -> (N, D + 1, D + 1)."""
    return homogeneous(linear, torch.zeros_like(linear[:, 0]))


def shift_by(shift: Tensor) -> Tensor:
    """(N, D) -> (N, D + 1, D + 1)."""
    rows, dimensions = shift.shape
    return homogeneous(identity(shift, dimensions).expand(rows, -1, -1), shift)


def scale_by(factor: Tensor) -> Tensor:
    """A factor a dimension: (N, D) -> (N, D + 1, D + 1)."""
    return linear_map(factor.diag_embed())


def rotate_by(angle: Tensor) -> Tensor:
    """The plane turned, in radians: (N,) -> (N, 3, 3)."""
    cos, sin = angle.cos(), angle.sin()
    rows = torch.stack([cos, -sin], dim=1), torch.stack([sin, cos], dim=1)
    return linear_map(torch.stack(rows, dim=1))


def identity(like: Tensor, size: int) -> Tensor:
    """(size, size)."""
    return torch.eye(size, dtype=like.dtype, device=like.device)
