"""Colour transformations of adaptive augmentation (Karras et al. 2020, "Training
Generative Adversarial Networks with Limited Data", appendix B).

Matrices (N, 4, 4) act on a pixel's red, green and blue, and one; a grey pixel has
three equal ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from reacgan_plugin.augment.matrices import identity, linear_map, shift_by
from reacgan_plugin.augment.transformation import (
    Transformation,
    either_side,
    normal,
    whole,
)
from reacgan_plugin.functional.precision import full_precision


def brightness(shift: Tensor) -> Tensor:
    """All three plus a number (N,)."""
    return shift_by(shift[:, None].expand(-1, 3))


def contrast(log2: Tensor) -> Tensor:
    """All three times two to these powers (N,)."""
    return linear_map(_each(log2.exp2()) * identity(log2, 3))


def luma_flip(flip: Tensor) -> Tensor:
    """0 or 1 (N,): mirrored at the plane of no luma, colours staying."""
    return linear_map(identity(flip, 3) - 2 * _each(flip) * _luma(flip))


def hue(angle: Tensor) -> Tensor:
    """Colours turned around the axis of luma (N,)."""
    luma, turn = _luma(angle), _cross(angle)
    color = identity(angle, 3) - luma
    return linear_map(luma + _each(angle.cos()) * color + _each(angle.sin()) * turn)


def saturation(log2: Tensor) -> Tensor:
    """As far from grey times two to these powers (N,)."""
    luma = _luma(log2)
    return linear_map(luma + _each(log2.exp2()) * (identity(log2, 3) - luma))


def _each(amount: Tensor) -> Tensor:
    return amount[:, None, None]


def _luma(like: Tensor) -> Tensor:
    """(3, 3), the projection on v = (1, 1, 1) / sqrt(3), the axis of luma."""
    return torch.full((3, 3), 1 / 3, dtype=like.dtype, device=like.device)


def _cross(like: Tensor) -> Tensor:
    """(3, 3), the cross product with v."""
    turn = identity(like, 3).roll(1, 0)
    return (turn - turn.mT) / math.sqrt(3)


COLORS = (
    Transformation('brightness', lambda x: 0.2 * normal(x), brightness),
    Transformation('contrast', lambda x: 0.5 * normal(x), contrast),
    Transformation('luma_flip', lambda x: whole(x, 2), luma_flip),
    Transformation('hue', lambda x: math.pi * either_side(x), hue),
    Transformation('saturation', normal, saturation),
)


def color_matrix(x: Tensor, chances: Mapping[str, Tensor]) -> Tensor:
    """One matrix a sample, (N, 4, 4), of all transformations that are named.

    Args:
        x: images (N, C, H, W), for their number and type.
        chances: probabilities by the names of transformations.
    """
    matrix = identity(x, 4).expand(len(x), -1, -1)
    for step in COLORS:
        if step.name in chances:
            matrix = step.matrix_for(x, chances[step.name]) @ matrix
    return matrix


@full_precision
def recoloured(x: Tensor, matrix: Tensor) -> Tensor:
    """Every pixel of the images (N, 3, H, W) by its sample's matrix (N, 4, 4).

    Grey images (N, 1, H, W) are changed as three equal colours would be, in the mean of
    the three, as the authors' code has it: what turns or stretches colours around grey
    has no effect, brightness, contrast and luma flip have theirs.
    """
    linear, shift = matrix[:, :3, :3], matrix[:, :3, 3:]
    if x.shape[1] == 1:
        linear, shift = (
            part.sum(2, keepdim=True).mean(1, keepdim=True) for part in (linear, shift)
        )
    return (linear @ x.flatten(2) + shift).view(x.shape)
