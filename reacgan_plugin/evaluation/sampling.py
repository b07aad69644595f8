"""Images out of a generator, as the uint8 arrays that files and metrics take."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from reacgan_plugin.evaluation.quantise import as_rgb_bytes
from reacgan_plugin.options import in_range

BLOCK = 1024  # rows of z


def draw_z(
    count: int, z_dim: int, seed: int, *, truncation: float | None = None
) -> Tensor:
    """Standard normal z (count, z_dim) that depends on the seed alone; with
    ``truncation`` T of the normal between -T and T (Brock et al. 2019, section 3.1)."""
    return _drawn(count, z_dim, truncation, torch.Generator().manual_seed(seed))


def rows_of_z(
    count: int, z_dim: int, seed: int, *, truncation: float | None = None
) -> Tensor:
    """As :func:`draw_z`, but row i is the same however many rows there are: they are
    drawn in whole blocks, since the last numbers of a draw depend on its size."""
    generator = torch.Generator().manual_seed(seed)
    blocks = -(-count // BLOCK)
    drawn = [_drawn(BLOCK, z_dim, truncation, generator) for _ in range(blocks)]
    return torch.cat(drawn)[:count].clone()


def truncation_of(
    generator: nn.Module, truncation: float | None
) -> tuple[dict, float | None]:
    """What the generator is told of a truncation, and the largest entry of z: one with
    styles is told psi, another gets truncated z.

    Raises: ValueError for a truncation that is not above 0.
    """
    if truncation is not None:
        in_range('truncation', truncation, above=0)
        if hasattr(generator, 'styles'):
            return {'truncation': truncation}, None
    return {}, truncation


def draw_images(
    model: nn.Module, label: Tensor, *, seed: int, truncation: float | None = None
) -> Tensor:
    """Images of given classes, uint8 (N, 3, H, W) on the CPU.

    Args:
        model: a :class:`~reacgan_plugin.gan.model.ConditionalGAN`.
        label: (N,) classes.
        seed: of z.
        truncation: less variety for images that are more typical: psi of a generator
            with styles, which moves w towards its average (Karras et al. 2019,
            "StyleGAN", appendix B), else the largest entry of z; None: as trained.

    Raises: ValueError for a truncation that is not above 0.
    """
    generator = model.generator
    options, limit = truncation_of(generator, truncation)
    z = draw_z(len(label), generator.z_dim, seed, truncation=limit)
    return generate(model, label, z=z, **options)


def generate(
    model: nn.Module, label: Tensor, *, z: Tensor, batch_size: int = 100, **options
) -> Tensor:
    """Images of the model's averaged generator, uint8 (N, 3, H, W) on the CPU, grey
    ones with three equal channels.

    Args:
        model: a :class:`~reacgan_plugin.gan.model.ConditionalGAN`.
        label: (N,) classes.
        z: (N, Z).
        batch_size: rows at a time; it does not change the images.
        options: of the generator.
    """
    device = next(model.parameters()).device
    rows = zip(z.split(batch_size), label.split(batch_size), strict=True)
    made = (model(z.to(device), y.to(device), **options) for z, y in rows)
    return torch.cat([as_rgb_bytes(image).cpu() for image in made])


def _drawn(
    count: int, z_dim: int, truncation: float | None, generator: torch.Generator
) -> Tensor:
    if truncation is None:
        return torch.randn(count, z_dim, generator=generator)
    z, limit = torch.empty(count, z_dim), truncation
    return nn.init.trunc_normal_(z, a=-limit, b=limit, generator=generator)


def as_arrays(images: Tensor) -> np.ndarray:
    """(N, C, H, W) uint8 tensor -> (N, H, W, C) array."""
    return images.permute(0, 2, 3, 1).numpy()
