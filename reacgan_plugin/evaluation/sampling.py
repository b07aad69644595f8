"""Images out of a generator, as the uint8 arrays that files and metrics take."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


def to_uint8(image: Tensor) -> Tensor:
    """[-1, 1] floats -> 0..255, clipped and rounded."""
    return image.float().mul(127.5).add(127.5).round().clamp(0, 255).to(torch.uint8)


def draw_z(count: int, z_dim: int, seed: int) -> Tensor:
    """Standard normal z (count, z_dim) that depends on the seed alone."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, z_dim, generator=generator)


def generate(
    model: nn.Module, label: Tensor, *, z: Tensor, batch_size: int = 100
) -> Tensor:
    """Images of the model's averaged generator, uint8 (N, 3, H, W) on the CPU.

    Args:
        model: a :class:`~reacgan_plugin.gan.model.ConditionalGAN`.
        label: (N,) classes.
        z: (N, Z).
        batch_size: rows at a time; it does not change the images.
    """
    device = next(model.parameters()).device
    rows = zip(z.split(batch_size), label.split(batch_size), strict=True)
    return torch.cat(
        [to_uint8(model(z.to(device), y.to(device))).cpu() for z, y in rows]
    )


def as_arrays(images: Tensor) -> np.ndarray:
    """(N, C, H, W) uint8 tensor -> (N, H, W, C) array."""
    return images.permute(0, 2, 3, 1).numpy()
