"""Peak memory of D2D-CE, forward and backward, against what it may take."""

from __future__ import annotations

from typing import NamedTuple

from benchmark_measure import PeakMemory, random_batch
from benchmark_rows import Report, Row, report, smaller

from reacgan_plugin.functional import d2d_cross_entropy
from reacgan_plugin.functional.blocks import BUDGET

FLOAT = 4  # bytes


class Sizes(NamedTuple):
    batch: int
    width: int  # small, so that the matrix is what counts
    auto_batch: int  # too large for 'auto' to hold the whole matrix
    large: tuple[tuple[int, int, float], ...]  # B, D, bytes allowed


SIZES = {
    'small': Sizes(batch=256, width=8, auto_batch=4096, large=((512, 64, 1e9),)),
    'full': Sizes(
        batch=2048,
        width=128,
        auto_batch=8192,
        large=((8192, 2048, 1e9), (16384, 2048, 2e9)),
    ),
}


def measure(options) -> Report:
    sizes, device = SIZES[options.scale], options.device
    rows = [
        of_the_matrix(sizes, None, device),
        of_the_matrix(sizes, sizes.batch // 16, device),
        of_auto(sizes, device),
        *(of_everything(*large, device) for large in sizes.large),
    ]
    return report(
        rows,
        'Peaks of live tensor bytes, which are the same in every run. "Own" is what '
        'is beyond inputs, normalised copies and gradients.',
    )


def peak_bytes(
    batch: int, width: int, block_size: int | str | None, device: str = 'cpu'
) -> int:
    """Peak of a forward and backward pass beyond its inputs."""
    inputs = random_batch(batch, width, device=device)
    with PeakMemory(*inputs) as memory:
        d2d_cross_entropy(*inputs, block_size=block_size).backward()
    return memory.peak


def own_bytes(
    batch: int, width: int, block_size: int | str | None, device: str = 'cpu'
) -> int:
    """Without normalised copies and gradients: of embedding and proxy, one each."""
    return peak_bytes(batch, width, block_size, device) - 4 * batch * width * FLOAT


def of_the_matrix(sizes: Sizes, block_size: int | None, device: str) -> Row:
    batch, width = sizes.batch, sizes.width
    bound = 6 * (block_size or batch) * batch * FLOAT
    how = f'in blocks of {block_size} rows' if block_size else 'whole matrix'
    what = f'own memory against 6 x rows x B, {how}, B {batch} D {width}'
    return smaller(what, own_bytes(batch, width, block_size, device), bound)


def of_auto(sizes: Sizes, device: str) -> Row:
    batch, width = sizes.auto_batch, sizes.width
    what = f"own memory against its budget, block_size='auto', B {batch} D {width}"
    return smaller(what, own_bytes(batch, width, 'auto', device), BUDGET)


def of_everything(batch: int, width: int, allowed: float, device: str) -> Row:
    inputs = 2 * batch * width * FLOAT
    peak = inputs + peak_bytes(batch, width, 'auto', device)
    what = f"all memory, inputs too, block_size='auto', B {batch} D {width}"
    return smaller(what, peak, allowed)
