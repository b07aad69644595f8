"""Penalties on gradients, differentiable themselves, on weights and on embeddings.

Letters: N batch, D embedding width, L layers that take a w each, W width of w.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch import distributed as dist

from reacgan_plugin.distributed import gather_rows
from reacgan_plugin.functional.precision import full_precision
from reacgan_plugin.functional.sphere import project_to_sphere

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
    return _square_norms(logits, image).mean()


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


@full_precision
def interpolated(real: Tensor, fake: Tensor, alpha: Tensor) -> Tensor:
    """x_hat = alpha x + (1 - alpha) G(z), between a real and a fake sample (Gulrajani
    et al. 2017, Algorithm 1): (N, ...), (N, ...), (N,) -> (N, ...).

    Args:
        alpha: share of the real sample, uniform in [0, 1], one a pair.

    Raises: ValueError for batches of different shapes.
    """
    if real.shape != fake.shape:
        raise ValueError(
            f'fake has shape {tuple(fake.shape)} beside real of {tuple(real.shape)}; '
            'allowed: the same shape, since samples are paired'
        )
    return torch.lerp(fake, real, _of_samples(alpha, real))


@full_precision
def perturbed(
    real: Tensor, alpha: Tensor, uniform: Tensor, deviation: Tensor
) -> Tensor:
    """x_hat = x + alpha 0.5 sigma u, around a real sample (Kodali et al. 2017, "On
    Convergence and Stability of GANs"): (N, ...), (N,), (N, ...) -> (N, ...).

    The paper writes Gaussian noise; its code, and the reference, have this instead.

    Args:
        alpha: share of the way to x + 0.5 sigma u, uniform in [0, 1], one a sample.
        uniform: u, uniform in [0, 1], one a value.
        deviation: sigma, the standard deviation of all values of the batch, a scalar.
    """
    return real + _of_samples(alpha, real) * (0.5 * deviation * uniform)


def one_centred(logits: Tensor, image: Tensor) -> Tensor:
    """mean_i (|d D(x_i) / d x_i| - 1)^2 (Gulrajani et al. 2017, Eq. 3), a scalar.

    A sample whose logit does not depend on it has the penalty 1 and no gradient.

    Args:
        logits: D(x), (N,); their sum is differentiated.
        image: x, (N, ...), which asked for a gradient before D saw it.

    Computed in float32 for half precision and without autocast.
    """
    square = _square_norms(logits, image)
    return (square.clamp_min(SMALLEST_SQUARE).sqrt() - 1).square().mean()


def largest_square(logits: Tensor, image: Tensor) -> Tensor:
    """max_i |d D(x_i) / d x_i|^2 (Zhou et al. 2019, "Lipschitz Generative Adversarial
    Nets"), a scalar; see :func:`one_centred`. The gradient is that of the largest
    alone."""
    return _square_norms(logits, image).amax()


@full_precision
def orthogonality(weight: Tensor) -> Tensor:
    """|W^T W o (1 - I)|_F^2 with filters as columns of W (Brock et al. 2019, "BigGAN",
    Eq. 3), a scalar: the squared inner products of all pairs of different filters.

    Args:
        weight: (filters, ...), as torch stores them: the transpose of the paper's W.

    The squares of W W^T have the same sum. Where there are more filters than inputs
    that matrix is the smaller one, and the diagonal of the larger one is known without
    it; for the first layer of a BigGAN the latter would take gigabytes.
    """
    filters = weight.flatten(1)
    count, inputs = filters.shape
    if count > inputs:
        diagonal = filters.square().sum(1)
        return (filters.T @ filters).square().sum() - diagonal.square().sum()
    products = filters @ filters.T
    return (products - products.diagonal().diag_embed()).square().sum()


@full_precision
def squared_centroid(
    embedding: Tensor, group: dist.ProcessGroup | None = None
) -> Tensor:
    """|mean_i f_i|^2 of rows f_i on the unit sphere, a scalar in [0, 1].

    Args:
        embedding: (N, D), of any norm; projected here.
        group: with a process group the mean is that over the rows of all ranks, which
            bring equally many; every rank returns the same, and DDP's mean of gradients
            is the gradient of one process.

    Source: the idea of zero-centroid regularisation, there for the weights of classes
    (Zhou et al. 2022, "Learning Towards the Largest Margins").
    """
    return gather_rows(project_to_sphere(embedding), group).mean(0).square().sum()


def _of_samples(alpha: Tensor, like: Tensor) -> Tensor:
    """(N,) numbers that broadcast over the values (N, ...) of samples."""
    return alpha.reshape(-1, *[1] * (like.ndim - 1))


def _square_norms(logits: Tensor, image: Tensor) -> Tensor:
    """|d D(x_i) / d x_i|^2 -> (N,)."""
    return _squares(_gradient(logits, wrt=(image,))).flatten(1).sum(1)


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
