"""Rectangles of images set to zero (DeVries and Taylor 2017)."""

from __future__ import annotations

import torch
from torch import Tensor


def cut_out(x: Tensor, centre: Tensor, size: Tensor) -> Tensor:
    """Images with a rectangle of zeros each; what lies outside cuts nothing.

    Args:
        x: (N, C, H, W).
        centre: (N, 2), row and column in pixels from the image's corner.
        size: (N, 2), height and width in pixels; 0 cuts nothing.

    A pixel is cut where its own centre lies inside.
    """
    row = _inside(x.shape[2], centre[:, 0], size[:, 0])
    column = _inside(x.shape[3], centre[:, 1], size[:, 1])
    return x * ~(row[:, None, :, None] & column[:, None, None])


def _inside(side: int, centre: Tensor, size: Tensor) -> Tensor:
    position = torch.arange(side, device=centre.device) + 0.5
    return (position - centre[:, None]).abs() < size[:, None] / 2
