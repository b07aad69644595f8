"""Penalties that are taken in some iterations only."""

from __future__ import annotations

from torch import nn

from reacgan_plugin.gan.technique import Technique
from reacgan_plugin.options import in_range, whole


class LazyPenalty(Technique):
    """A weighted penalty, due in every so many iterations and then weighted by as much
    (Karras et al. 2020, "StyleGAN2", section 3.1).

    Args:
        weight: of the penalty, on average over iterations.
        interval: iterations from one to the next; the first is due in iteration 0.

    Raises: ValueError for a weight or interval that is not positive.
    """

    def __init__(self, *, weight: float, interval: int = 1):
        super().__init__()
        self.weight = in_range('weight', weight, above=0)
        self.interval = whole('interval', interval, above=0)

    def due(self, gan: nn.Module) -> bool:
        """Whether the penalty is taken in the model's present iteration."""
        return gan.iteration % self.interval == 0

    @property
    def factor(self) -> float:
        """Of the penalty where it is due."""
        return self.weight * self.interval

    def extra_repr(self) -> str:
        return f'weight={self.weight}, interval={self.interval}'
