"""Filters of orthogonal wavelets, as matrices along one side of an image.

A side is short: a product with a matrix is as fast as a convolution, holds the
reflection at the borders, which are mirrored at the centres of their pixels, and can be
differentiated any number of times. Letters: S image side, T taps.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

# Low-pass filters, of unit norm (Daubechies 1992, "Ten Lectures on Wavelets", sections
# 6.4 and 8.1): the least asymmetric one of six vanishing moments, and that of two
SYM6 = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)
SYM2 = tuple(
    (whole + sign * math.sqrt(3)) / (4 * math.sqrt(2))
    for whole, sign in ((1, 1), (3, 1), (3, -1), (1, -1))
)
MARGIN = 5  # positions of a doubled side before and after the image's own
CENTRE = 5  # as published; flips and quarter turns move positions onto positions


@lru_cache
@torch.inference_mode(False)  # else the first caller decided about gradients for all
def resampling(
    side: int, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Doubling (2 S + 10, S) and halving (S, 2 S + 10) of a side by SYM6.

    A doubled side has 5 positions more before and after. Halving undoes doubling, to
    rounding. Pixel n lies at position 2 n + CENTRE.
    """
    row = torch.arange(2 * (side + MARGIN), device='cpu')
    pixel = torch.arange(-MARGIN, side + MARGIN, device='cpu')
    unfolded = math.sqrt(2) * _taps(SYM6, row[:, None] - 2 * pixel)
    halve = unfolded[:, MARGIN:-MARGIN].T / 2
    return tuple(m.to(device, dtype) for m in (_folded(unfolded, pixel, side), halve))


@lru_cache
@torch.inference_mode(False)
def bands(side: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Band-pass filters (4, S, S) by SYM2, each an octave but the first, from low
    frequencies to high ones; their sum is the identity."""
    own = torch.arange(side, device='cpu')
    filters = []
    for taps in band_taps():
        reach = len(taps) // 2
        pixel = torch.arange(-reach, side + reach, device='cpu')
        unfolded = _taps(taps, pixel - own[:, None] + reach)
        filters.append(_folded(unfolded, pixel, side))
    return torch.stack(filters).to(device, dtype)


def band_taps() -> list[list[float]]:
    """The four filters of :func:`bands`, symmetric around their middle.

    With P(z) = H(z) H(1/z) / 2 of the low-pass H, and Q(z) = 1 - P(z), they are
    P(z) P(z^2) P(z^4), P(z) P(z^2) Q(z^4), P(z) Q(z^2) and Q(z).
    """
    low = [v / 2 for v in _product(SYM2, SYM2[::-1])]
    high = [(n == len(low) // 2) - v for n, v in enumerate(low)]
    taken, found = [1.0], []
    for level in range(3):
        found.append(_product(taken, _spread(high, 2**level)))
        taken = _product(taken, _spread(low, 2**level))
    return [taken, *reversed(found)]


def _taps(taps, index: Tensor) -> Tensor:
    """Taps (T,) of a filter at these indices; zeros where it has none."""
    values = torch.tensor(taps, dtype=torch.float64, device='cpu')
    there = (index >= 0) & (index < len(taps))
    return values[index.clamp(0, len(taps) - 1)] * there


def _folded(matrix: Tensor, pixel: Tensor, side: int) -> Tensor:
    """Columns, one a pixel that may lie outside, added to those that it mirrors."""
    period = 2 * (side - 1)
    inside = pixel % period
    inside = torch.minimum(inside, period - inside)
    return matrix.new_zeros(len(matrix), side).index_add(1, inside, matrix)


def _product(first, second) -> list[float]:
    """Taps of one filter after another."""
    result = [0.0] * (len(first) + len(second) - 1)
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            result[i + j] += a * b
    return result


def _spread(taps, distance: int) -> list[float]:
    """With zeros in between."""
    result = [0.0] * (distance * (len(taps) - 1) + 1)
    result[::distance] = taps
    return result
