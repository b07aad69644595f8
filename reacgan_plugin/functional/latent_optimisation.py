"""A natural gradient step in latent space (Wu et al. 2019, "LOGAN")."""

from __future__ import annotations

from torch import Tensor

from reacgan_plugin.functional.precision import full_precision


@full_precision
def natural_step(gradient: Tensor, *, rate: float, damping: float) -> Tensor:
    """alpha g / (beta + |g|^2) of every row: (N, Z) -> (N, Z).

    That is alpha F^-1 g for the damped empirical Fisher matrix F = g g^T + beta I of
    one sample. No step is longer than alpha / (2 sqrt(beta)).

    Args:
        gradient: g, of what is to grow.
        rate: alpha.
        damping: beta > 0.

    Source: Wu et al. 2019, Eq. 12.
    """
    square = gradient.square().sum(1, keepdim=True)
    return rate * gradient / (damping + square)
