"""Brightness, saturation and contrast of images, by an amount a sample.

Letters: N batch.
"""

from __future__ import annotations

from torch import Tensor

from reacgan_plugin.functional.precision import full_precision


@full_precision
def brightness(x: Tensor, shift: Tensor) -> Tensor:
    """Images (N, 3, H, W) plus a number each (N,)."""
    return x + _each(shift)


@full_precision
def saturation(x: Tensor, factor: Tensor) -> Tensor:
    """Every pixel's colours as far from their mean as a factor (N,) says: 0 is grey, 1
    the image (N, 3, H, W) itself, as is a grey image (N, 1, H, W) with any factor."""
    return _away_from(x.mean(1, keepdim=True), x, factor)


@full_precision
def contrast(x: Tensor, factor: Tensor) -> Tensor:
    """All numbers of an image (N, 3, H, W) as far from their mean as a factor (N,)
    says."""
    return _away_from(x.mean((1, 2, 3), keepdim=True), x, factor)


def _away_from(mean: Tensor, x: Tensor, factor: Tensor) -> Tensor:
    return mean + (x - mean) * _each(factor)


def _each(amount: Tensor) -> Tensor:
    return amount[:, None, None, None]
