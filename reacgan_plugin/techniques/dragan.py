"""DRAGAN's gradient penalty around reals (Kodali et al. 2017, "On Convergence and
Stability of GANs")."""

from __future__ import annotations

import torch
from torch import Tensor

from reacgan_plugin.augment.transformation import uniform
from reacgan_plugin.distributed import default_group, gather_rows
from reacgan_plugin.functional.penalties import perturbed
from reacgan_plugin.techniques.gradient_penalty import GradientPenalty


class DRAGAN(GradientPenalty):
    """Adds ``loss_dragan``, weight x mean_i (|d D(x_i, y_i) / d x_i| - 1)^2 at noisy
    reals x_i under their classes.

    Args:
        weight: lambda.
        interval: the penalty is taken in every so many iterations, and then weighted
            by as much.

    The noise is uniform in [0, sigma / 2), times one number in [0, 1) a sample, as in
    the authors' code and the reference; sigma is the standard deviation of all values
    of the reals that the networks see at a time in all processes. Reals are those
    before any augmentation.
    """

    term = 'loss_dragan'

    def points(self, real: Tensor, fake: Tensor) -> Tensor:
        alpha, noise = uniform(real), torch.rand_like(real)
        return perturbed(real, alpha, noise, self.deviation(real))

    def deviation(self, real: Tensor) -> Tensor:
        """Standard deviation of all values of all processes: what images have inside,
        and that of their means."""
        inside, mean = torch.var_mean(real.flatten(1), dim=1, correction=0)
        rows = torch.stack([inside, mean], dim=1)
        inside, mean = gather_rows(rows, default_group()).unbind(1)
        return (inside.mean() + mean.var(correction=0)).sqrt()
