"""The largest gradient of Lipschitz GANs (Zhou et al. 2019, "Lipschitz Generative
Adversarial Nets")."""

from __future__ import annotations

from torch import Tensor

from reacgan_plugin.functional.penalties import largest_square
from reacgan_plugin.techniques.gradient_penalty import GradientPenalty


class MaxGradientPenalty(GradientPenalty):
    """Adds ``loss_max_gradient_penalty``, weight x max_i |d D(x_i, y_i) / d x_i|^2 at
    points x_i between reals and fakes, under the reals' classes.

    Args:
        weight: lambda; by default that of the reference's configs.
        interval: the penalty is taken in every so many iterations, and then weighted
            by as much.

    The maximum, an estimate of the Lipschitz constant, is over a batch as the networks
    see it: with several processes or micro-batches it is the mean of the maximum of
    each, so that each has a sample that learns from it.
    """

    term = 'loss_max_gradient_penalty'

    def penalty(self, realness: Tensor, image: Tensor) -> Tensor:
        return largest_square(realness, image)
