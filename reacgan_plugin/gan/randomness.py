"""Randomness as a function of (seed, iteration, rank), so that none has to be saved.

Letters: U updates in an iteration, N rows of this rank in one update, Z width of z, K
classes.
"""

from __future__ import annotations

from hashlib import blake2b

import torch
from torch import Tensor

from reacgan_plugin.gan.labels import draw_labels


def mixed_seed(*parts: int) -> int:
    """One well-mixed 63-bit seed from integers; their order and number matter."""
    digest = blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, 'little') >> 1


def redrawn(seed: int, redraws: int) -> int:
    """The seed of a run that was sent back so many times to draw anew."""
    return mixed_seed(seed, redraws) if redraws else seed


def seed_iteration(seed: int, iteration: int, rank: int) -> None:
    """Seed torch for everything that a training step draws on its own rank."""
    torch.manual_seed(mixed_seed(seed, iteration, rank))


def draw_latents(
    *,
    seed: int,
    iteration: int,
    updates: int,
    accumulation: int,
    micro_batch: int,
    z_dim: int,
    num_classes: int,
    weights: Tensor | None = None,
    rank: int = 0,
    world_size: int = 1,
) -> tuple[Tensor, Tensor]:
    """z and labels of one iteration: this rank's rows of the global draw.

    The global batch of an update is drawn from one generator whatever the number of
    processes, as (accumulation, world_size x micro_batch) rows; a rank keeps its own
    columns, so that N processes see what one would.

    Returns: z (U, N, Z) standard normal float32 and label (U, N) int64 of classes by
    ``weights`` (K,), None for uniform ones, on the CPU; N = accumulation x micro_batch.
    """
    generator = torch.Generator().manual_seed(mixed_seed(seed, iteration))
    shape = (updates, accumulation, world_size * micro_batch)
    z = torch.randn(*shape, z_dim, generator=generator)
    label = draw_labels(shape, num_classes, weights, generator)
    own = slice(rank * micro_batch, (rank + 1) * micro_batch)
    return z[:, :, own].flatten(1, 2), label[:, :, own].flatten(1, 2)
