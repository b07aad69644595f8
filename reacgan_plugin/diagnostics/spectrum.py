"""Largest singular values of the weights that a network is used with."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from reacgan_plugin.layers.modes import settled
from reacgan_plugin.layers.spectral_walk import TRANSPOSED

ITERATIONS = 30  # within two hundredths on random and on orthogonal weights


@torch.no_grad()
def spectral_norms(network: nn.Module) -> Tensor:
    """Largest singular value of every trained weight, (W,), W = 0 without any.

    Weights are those that a pass uses, after spectral norm and with the gain of
    equalised layers; of modulated convolutions those before modulation. Nothing of the
    network changes: singular vectors that it keeps take no iteration.
    """
    with settled(network), parametrize.cached():
        norms = [largest_singular_value(matrix) for matrix in _matrices(network)]
    return torch.stack(norms) if norms else torch.empty(0)


def largest_singular_value(matrix: Tensor) -> Tensor:
    """By power iteration from a fixed vector: (rows, columns) -> scalar, float32."""
    matrix = matrix.float()
    random = torch.Generator().manual_seed(0)
    v = torch.randn(matrix.shape[1], generator=random).to(matrix.device)
    for _ in range(ITERATIONS):
        v = F.normalize(matrix.T @ (matrix @ v), dim=0)
    return (matrix @ v).norm()


def _matrices(network: nn.Module) -> Iterator[Tensor]:
    """Weights as matrices: what gives an output's channels makes the rows."""
    for module in network.modules():
        for name in _trained_weights(module):
            weight = getattr(module, name)
            if weight.ndim < 2:
                continue
            if isinstance(module, TRANSPOSED):
                weight = weight.transpose(0, 1)
            yield weight.flatten(1) * getattr(module, f'{name}_gain', 1)


def _trained_weights(module: nn.Module) -> Iterator[str]:
    """Names of a module's own weights, whatever normalises them."""
    for name, parameter in module.named_parameters(recurse=False):
        name = name.removesuffix('_orig')  # of torch's older spectral norm
        if name.endswith('weight') and parameter.requires_grad:
            yield name
    if parametrize.is_parametrized(module):
        for name, listed in module.parametrizations.items():
            if any(p.requires_grad for p in listed.parameters()):
                yield name
