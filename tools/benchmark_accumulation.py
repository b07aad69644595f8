"""The exact gradient of a large batch from micro-batches: how exact, in what memory."""

from __future__ import annotations

from typing import NamedTuple

import torch
from benchmark_measure import PeakMemory, equality
from benchmark_models import (
    biggan,
    gradients,
    networks,
    optimizers,
    rows_of,
    without_batch_statistics,
)
from benchmark_rows import Report, Row, report, smaller
from torch import Tensor

FLOAT = 4  # bytes
WIDTH_OF_EMBEDDING = 512


class Sizes(NamedTuple):
    batch: int
    micro_batch: int
    width: int  # small, so that one batch is possible beside it
    memory_width: int  # where a micro-batch has its usual weight beside embeddings


SIZES = {
    'small': Sizes(batch=8, micro_batch=4, width=4, memory_width=4),
    'full': Sizes(batch=2048, micro_batch=64, width=4, memory_width=32),
}
TYPES = (torch.float64, torch.float32)


class Updated(NamedTuple):
    """What one update of a network left."""

    gradients: dict[str, Tensor]
    peak: int  # bytes


def measure(options) -> Report:
    sizes = SIZES[options.scale]
    rows = [*of('discriminator', sizes), *of('generator', sizes)]
    return report(
        rows,
        'One update each; the generator uses running batch statistics. A difference '
        'is the largest of any parameter, relative in the L2 norm. Memory is the peak '
        'of live tensor bytes beyond weights, images and z.',
    )


def of(name: str, sizes: Sizes) -> list[Row]:
    """One network's rows."""
    batch, parts = sizes.batch, sizes.batch // sizes.micro_batch
    exact = {t: updated(name, sizes.width, batch, parts, t) for t in TYPES}
    whole = {t: updated(name, sizes.width, batch, dtype=t) for t in TYPES}
    peak = updated(name, sizes.memory_width, batch, parts).peak
    micro = updated(name, sizes.memory_width, sizes.micro_batch).peak
    plain = updated(name, sizes.memory_width, batch, parts, mode='plain').peak
    embeddings = batch * WIDTH_OF_EMBEDDING * FLOAT
    what = f'{name}, {parts} micro-batches of {sizes.micro_batch}'
    return [
        *equality(
            f'{what} against one batch',
            {dtype: left.gradients for dtype, left in exact.items()},
            {dtype: left.gradients for dtype, left in whole.items()},
            goal=1e-5,
        ),
        smaller(
            f'memory, width {sizes.memory_width}: {what} against one of them alone '
            f'and {batch} x D',
            peak,
            micro + embeddings,
        ),
        smaller(
            f'memory, width {sizes.memory_width}: {what} against plain accumulation '
            f'and {batch} x D',
            peak,
            plain + embeddings,
        ),
        smaller(
            f'memory, width {sizes.width}: {what} against one batch',
            exact[torch.float32].peak,
            whole[torch.float32].peak,
        )._replace(goal=None),
    ]


def updated(
    name: str,
    width: int,
    batch: int,
    accumulation: int = 1,
    dtype: torch.dtype = torch.float32,
    mode: str = 'exact',
) -> Updated:
    """Gradients and peak of one update of the network over some rows."""
    gan = without_batch_statistics(
        biggan(width, accumulation=accumulation, accumulation_mode=mode).to(dtype)
    )
    image, label, z, fake_label = rows_of(batch, dtype)
    both = optimizers(gan, lr=0.0)
    held = *gan.parameters(), *gan.buffers(), image, label, z, fake_label
    with PeakMemory(*held) as memory:
        if name == 'discriminator':
            gan.update_discriminator(image, label, z, fake_label, both)
        else:
            gan.update_generator(z, fake_label, both, image, label)
    return Updated(gradients(networks(gan)[name]), memory.peak)
