"""Geometric transformations of adaptive augmentation (Karras et al. 2020, "Training
Generative Adversarial Networks with Limited Data", appendix B).

Matrices (N, 3, 3) say where what is seen at a position comes from. Positions are in
pixels from the image's centre, x to the right and y down, so that sides may differ.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from reacgan_plugin.augment.matrices import identity, rotate_by, scale_by, shift_by
from reacgan_plugin.augment.transformation import (
    Transformation,
    either_side,
    normal,
    whole,
)

SCALE = 0.2  # standard deviation of scales' binary logarithms
REACH = 0.125  # of translations, as a share of the sides


def x_flip(flip: Tensor) -> Tensor:
    """0 or 1 (N,): mirrored at the vertical axis."""
    return scale_by(torch.stack([1 - 2 * flip, torch.ones_like(flip)], dim=1))


def rotate_90(turns: Tensor) -> Tensor:
    """Quarter turns (N,)."""
    return rotate_by(turns * (math.pi / 2)).round()  # a cosine of 4e-8 blurs pixels


def translate(pixels: Tensor) -> Tensor:
    """Pixels to the right and down (N, 2)."""
    return shift_by(-pixels)


def isotropic_scale(log2: Tensor) -> Tensor:
    """Larger by a factor of two to these powers (N,)."""
    return scale_by(torch.stack([-log2, -log2], dim=1).exp2())


def anisotropic_scale(log2: Tensor) -> Tensor:
    """Wider by a factor of two to these powers (N,), and as much less high."""
    return scale_by(torch.stack([-log2, log2], dim=1).exp2())


def half_of(p: Tensor) -> Tensor:
    """Of two rotations, before and after stretching, one or both happen with p."""
    return 1 - (1 - p).clamp_min(0).sqrt()


def _log_scale(x: Tensor) -> Tensor:
    return SCALE * normal(x)


def _angle(x: Tensor) -> Tensor:
    return math.pi * either_side(x)


def _sides(x: Tensor) -> Tensor:
    """(N, 2), width and height."""
    height, width = x.shape[2:]
    return torch.stack([x.new_full((len(x),), side) for side in (width, height)], dim=1)


def _whole_pixels(x: Tensor) -> Tensor:
    return (REACH * either_side(x, 2) * _sides(x)).round()


def _any_pixels(x: Tensor) -> Tensor:
    return REACH * normal(x, 2) * _sides(x)


BLITS = (
    Transformation('x_flip', lambda x: whole(x, 2), x_flip),
    Transformation('rotate_90', lambda x: whole(x, 4), rotate_90),
    Transformation('integer_translation', _whole_pixels, translate),
)
GENERAL = (
    Transformation('isotropic_scale', _log_scale, isotropic_scale),
    Transformation('rotation', _angle, rotate_by, half_of),
    Transformation('anisotropic_scale', _log_scale, anisotropic_scale),
    Transformation('rotation', _angle, rotate_by, half_of),
    Transformation('fractional_translation', _any_pixels, translate),
)


def geometric_source(x: Tensor, chances: Mapping[str, Tensor]) -> Tensor:
    """One matrix a sample, (N, 3, 3), of all transformations that are named.

    Args:
        x: images (N, 3, H, W), for their number, sides and type.
        chances: probabilities by the names of transformations.
    """
    source = identity(x, 3).expand(len(x), -1, -1)
    for step in (*BLITS, *GENERAL):
        if step.name in chances:
            source = source @ step.matrix_for(x, chances[step.name])
    return source
