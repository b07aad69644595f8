"""Penalties on gradients, differentiable themselves. Letters: N batch, L layers that
take a w each, W width of w."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from reacgan_plugin.functional.precision import full_precision

SMALLEST_SQUARE = 1e-16  # below it a length counts as zero, where the root has no slope


def r1(logits: Tensor, image: Tensor) -> Tensor:
    """mean_i |d D(x_i) / d x_i|^2 (Mescheder et al. 2018, Eq. 9), a scalar.

    The penalty of the paper is gamma / 2 times this; the reference's ``r1`` holds the
    half already, so that it is half of what is returned here.

    Args:
        logits: D(x), (N, ...); their sum is differentiated.
        image: x, (N, ...), which asked for a gradient before D saw it.

    Computed in float32 for half precision and without autocast.
    """
    return _squares(_gradient(logits, wrt=(image,))).flatten(1).sum(1).mean()


def path_lengths(image: Tensor, ws: Tensor, noise: Tensor) -> Tensor:
    """|J_w^T y| of every sample (Karras et al. 2020, "StyleGAN2", Eq. 4) -> (N,).

    The squared norm over W is averaged over layers before its root is taken. A sample
    whose image does not depend on w has length 1e-8 and no gradient.

    Args:
        image: (N, 3, H, W'), synthesised from ``ws``.
        ws: (N, L, W), one w a layer.
        noise: y of unit variance, shaped like the images; divided by sqrt(H W') here,
            which makes lengths independent of the resolution.

    Computed in float32 for half precision and without autocast.
    """
    pixels = math.prod(image.shape[2:])
    gradient = _gradient(image, noise / math.sqrt(pixels), wrt=(ws,))
    square = _squares(gradient).sum(2).mean(1)
    return square.clamp_min(SMALLEST_SQUARE).sqrt()


@full_precision  # a tuple passes untouched: a copy of a tensor has no gradient
def _gradient(
    output: Tensor, weight: Tensor | float = 1.0, *, wrt: tuple[Tensor]
) -> Tensor:
    """d sum(output x weight) / d input, with a graph for a second derivative."""
    (gradient,) = torch.autograd.grad((output * weight).sum(), wrt, create_graph=True)
    return gradient


@full_precision
def _squares(x: Tensor) -> Tensor:
    return x.square()
