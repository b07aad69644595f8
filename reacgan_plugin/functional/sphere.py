"""The unit hypersphere on which embeddings and proxies are compared."""

from __future__ import annotations

import torch
from torch import Tensor

from reacgan_plugin.functional.precision import full_precision

SMALLEST_NORM = 1e-12


@full_precision
def project_to_sphere(x: Tensor) -> Tensor:
    """Rows scaled to unit L2 norm: (N, D) -> (N, D), float32 for half precision.

    A row of norm below 1e-12 has no direction and stays as it is: its gradient is that
    of the identity, finite and bounded, where division by a small norm would explode.
    """
    return x * _inverse_norm(x)[:, None]


def row_cosine(unit: Tensor, x: Tensor) -> Tensor:
    """Cosine of each row with its partner: unit rows (N, D), rows (N, D) -> (N,).

    The partner is divided last, which spares a normalised copy; its norm comes first,
    which spares another (N, D) in the backward pass.
    """
    return _inverse_norm(x) * torch.linalg.vecdot(unit, x)


class _Gram(torch.autograd.Function):
    """x @ x.T with one matrix product in the backward pass, where autograd has two."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x @ x.T

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return (grad + grad.T) @ x


def pairwise_cosine(x: Tensor, y: Tensor) -> Tensor:
    """Cosine of every pair of unit rows: (N, D), (M, D) -> (N, M).

    A matrix product, so that no (N, M, D) tensor exists.
    """
    return _Gram.apply(x) if x is y else x @ y.T


def _inverse_norm(x: Tensor) -> Tensor:
    """1 / L2 norm of rows, (N, D) -> (N,); the constant 1 for rows without direction.

    The constant enters before the root, whose derivative at 0 is not finite.
    """
    square = torch.linalg.vecdot(x, x)
    return torch.where(square < SMALLEST_NORM**2, 1.0, square).rsqrt()
