"""Density and coverage (Naeem et al. 2020, equations 4 and 6), in blocks.

Letters: N reals, M fakes, D width of features.
"""

from __future__ import annotations

import torch
from torch import Tensor

from reacgan_plugin.evaluation.metrics.metric import (
    Metric,
    at_least,
    few,
    on_gpu,
    unlike,
)
from reacgan_plugin.evaluation.rows import Rows
from reacgan_plugin.options import in_range

BLOCK = 1000  # rows at a time, by all reals


class DensityCoverage(Metric):
    """How many reals' spheres hold a fake, over k, and the share of reals whose sphere
    holds one. A sphere reaches to the k-th nearest neighbour among the reals and does
    not include its border.

    Args:
        neighbours: k.
    """

    better = {'density': 'greater', 'coverage': 'greater'}
    depends_on = ('neighbours',)

    def __init__(self, neighbours: int = 5):
        self.neighbours = in_range('neighbours', neighbours, above=0)

    def compute(self, real: Rows, fake: Rows) -> dict[str, float]:
        at_least(self.neighbours + 1, 'density and coverage', real)
        at_least(1, 'density and coverage', fake)
        few('density and coverage', real, fake)
        unlike('density and coverage', real, fake)
        density, coverage = density_and_coverage(
            on_gpu(real), on_gpu(fake), neighbours=self.neighbours
        )
        return {'density': density, 'coverage': coverage}


def density_and_coverage(
    real: Tensor, fake: Tensor, *, neighbours: int, block: int = BLOCK
) -> tuple[float, float]:
    """Both numbers of features: real (N, D), fake (M, D). Memory: block x N."""
    radius = torch.cat(
        [
            _squared_distances(part, real).kthvalue(neighbours + 1).values
            for part in real.split(block)  # a row is its own nearest neighbour
        ]
    )
    inside, covered = 0, torch.zeros(len(real), dtype=torch.bool, device=real.device)
    for part in fake.split(block):
        within = _squared_distances(part, real) < radius
        inside += int(within.sum())
        covered |= within.any(0)
    return inside / (neighbours * len(fake)), float(covered.double().mean())


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """(n, D), (m, D) -> (n, m); in float64, where products lose nothing that counts."""
    a, b = a.double(), b.double()
    squares = a.square().sum(1)[:, None] + b.square().sum(1)
    return torch.addmm(squares, a, b.T, alpha=-2).clamp_(min=0)
