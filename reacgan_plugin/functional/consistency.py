"""Consistency of what a network says of two views of a sample (Zhang et al. 2020,
"CR-GAN")."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from reacgan_plugin.functional.precision import full_precision


@full_precision
def consistency(first: Tensor, second: Tensor) -> Tensor:
    """E |D(x) - D(T(x))|^2 of two tensors of one shape, a scalar (Zhang et al. 2020,
    Algorithm 1).

    The mean is taken over all numbers, as in the reference: of embeddings (N, D) the
    squared distance is divided by D.

    Raises: ValueError for two shapes, which would be broadcast.
    """
    if first.shape != second.shape:
        raise ValueError(
            f'views have the shapes {tuple(first.shape)} and {tuple(second.shape)}; '
            'allowed: one shape'
        )
    return F.mse_loss(first, second)
