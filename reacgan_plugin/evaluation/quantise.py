"""Images as bytes, the form in which files and metrics see them."""

from __future__ import annotations

import torch
from torch import Tensor

QUANTISATION = 'uint8, clipped, rounded half up'


def to_uint8(image: Tensor) -> Tensor:
    """[-1, 1] floats -> 0..255, clipped and rounded half up: floor(127.5 x + 128).

    As StyleGAN and StudioGAN do; -1, 0 and 1 become 0, 128 and 255.
    """
    return image.float().mul(127.5).add(128).clamp(0, 255).to(torch.uint8)


def as_rgb_bytes(image: Tensor) -> Tensor:
    """(..., 1 or 3, H, W), bytes or floats in [-1, 1] -> bytes (..., 3, H, W)."""
    image = image if image.dtype == torch.uint8 else to_uint8(image)
    shape = (*image.shape[:-3], 3, *image.shape[-2:])
    return image.expand(shape)
