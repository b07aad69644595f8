"""The generators of Python, numpy and torch (CPU) that a pipeline may draw from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

import numpy as np
import torch

SEED_BYTES = 8


def seed_generators(seed: int, position: int) -> None:
    """Seed random, numpy and torch (CPU) from one well mixed hash of the two numbers.

    Neighbouring positions get unrelated streams, and so do the three libraries.
    """
    digest = blake2b(f'{seed},{position}'.encode(), digest_size=3 * SEED_BYTES).digest()
    words = np.frombuffer(digest, dtype='<u4')
    random.seed(int.from_bytes(digest[:SEED_BYTES], 'little'))
    np.random.seed(words[2:4])
    # The CPU generator itself: torch.manual_seed would go round every device, which
    # takes sixty times as long and would reset a GPU's generator when nobody asked.
    torch.default_generator.manual_seed(int(words[4]) << 32 | int(words[5]))


@contextmanager
def undisturbed() -> Iterator[None]:
    """Draws of Python, numpy and torch (CPU) meanwhile leave their generators where
    they were."""
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])
