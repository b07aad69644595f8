"""Whether numbers that were drawn have the distribution that is documented."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

TOLERANCE = 2.0  # of the Kolmogorov-Smirnov statistic times sqrt(n), for 1 in 1,500


def assert_distributed(sample: Tensor, cumulative: Callable[[Tensor], Tensor]) -> None:
    """The empirical distribution of a sample (N,) lies close to a continuous one."""
    ordered = sample.double().sort().values
    ranks = (torch.arange(len(ordered)) + 0.5) / len(ordered)
    distance = (cumulative(ordered) - ranks).abs().max()
    assert distance * len(ordered) ** 0.5 < TOLERANCE


def normal(deviation: float) -> Callable[[Tensor], Tensor]:
    """Cumulative distribution of a centred normal variable."""
    return torch.distributions.Normal(0.0, deviation).cdf


def half_normal(deviation: float) -> Callable[[Tensor], Tensor]:
    """That of its absolute value."""
    return torch.distributions.HalfNormal(deviation).cdf


def uniform(low: float, high: float) -> Callable[[Tensor], Tensor]:
    """That of a uniform variable; a sample outside has no distance that is allowed."""
    return lambda x: (x - low) / (high - low)


def assert_each_as_often(sample: Tensor, values: list[float]) -> None:
    """A sample (N,) has these values and no other, each about equally often."""
    found, counts = sample.unique(return_counts=True)
    assert found.tolist() == values
    expected = len(sample) / len(values)
    assert ((counts - expected).abs() < 4 * expected**0.5).all()
