"""Samples by class and seed: one seed, one z, one image.

Letters: N samples, Z width of z.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from reacgan_plugin.evaluation.quantise import as_rgb_bytes
from reacgan_plugin.evaluation.sampling import draw_z, truncation_of
from reacgan_plugin.layers import evaluating

BATCH = 100  # images at a time


def draw(
    generator: nn.Module,
    label: Tensor,
    seeds: Sequence[int],
    *,
    truncation: float | None = None,
    batch: int = BATCH,
) -> Tensor:
    """Images of given classes and seeds, uint8 (N, 3, H, W) on the CPU.

    Args:
        generator: (z (N, Z), label (N,)) -> image in [-1, 1]; it has ``z_dim``.
        label: (N,) classes.
        seeds: N numbers; the z of an image depends on its own seed alone.
        truncation: less variety for images that are more typical: psi of a generator
            with styles, else the largest entry of z; None: as trained.
        batch: images at a time.

    Raises: ValueError for a truncation that is not above 0.
    """
    options = dict(truncation=truncation, batch=batch)
    return torch.cat(list(draw_batches(generator, label, seeds, **options)))


def draw_batches(
    generator: nn.Module,
    label: Tensor,
    seeds: Sequence[int],
    *,
    truncation: float | None = None,
    batch: int = BATCH,
) -> Iterator[Tensor]:
    """The images of :func:`draw` in batches, of which one at a time is in memory."""
    options, _ = truncation_of(generator, truncation)
    make = partial(generator, **options)
    for start in range(0, len(seeds), batch):
        part = slice(start, start + batch)
        z = seeded_z(generator, seeds[part], truncation=truncation)
        yield from in_batches(generator, make, z, label[part], batch=batch)


def in_batches(
    generator: nn.Module,
    make: Callable[..., Tensor],
    *rows: Tensor,
    batch: int = BATCH,
) -> Iterator[Tensor]:
    """uint8 images (n, 3, H, W) on the CPU of ``make(*rows)``, some rows at a time;
    grey ones have three equal channels.

    Args:
        generator: what ``make`` calls; it is in evaluation mode meanwhile, and rows
            come to its device.
        make: rows -> images in [-1, 1].
        rows: tensors of N rows each.
        batch: rows at a time; their number does not change the images.
    """
    device = next(generator.parameters()).device
    for part in zip(*(row.split(batch) for row in rows), strict=True):
        with torch.no_grad(), evaluating(generator):
            image = make(*(row.to(device) for row in part))
        yield as_rgb_bytes(image).cpu()


def seeded_z(
    generator: nn.Module, seeds: Sequence[int], *, truncation: float | None = None
) -> Tensor:
    """z (N, Z), each row by its seed alone; truncated for generators without styles.

    Raises: ValueError for a truncation that is not above 0.
    """
    _, limit = truncation_of(generator, truncation)
    rows = [draw_z(1, generator.z_dim, seed, truncation=limit) for seed in seeds]
    return torch.cat(rows)
