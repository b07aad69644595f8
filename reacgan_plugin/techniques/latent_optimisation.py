"""Latent optimisation, LOGAN (Wu et al. 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reacgan_plugin.functional.latent_optimisation import natural_step
from reacgan_plugin.gan.aside import aside
from reacgan_plugin.gan.replay import put_vectors, vectors_of
from reacgan_plugin.gan.technique import Judged, Technique
from reacgan_plugin.layers import frozen
from reacgan_plugin.options import in_range, whole


class LatentOptimisation(Technique):
    """Moves z to where the discriminator takes fakes for real, in both updates, and
    adds ``loss_transport``, what the way costs.

    z' = z + dz, dz = alpha g / (beta + |g|^2) with g = d D(G(z)) / dz (Eq. 12), and
    weight x E |dz|^2.

    Args:
        rate: alpha.
        damping: beta; 0.1 in the reference's CIFAR10 runs.
        steps: how many in a row.
        fraction: of the entries of z that a step moves, drawn anew for each sample.
        weight: w_r, of the squared length of the steps; 0.1 in those runs.
        clip: z' is kept in [-clip, clip]. Published with 1, for z that are uniform in
            [-1, 1]; None, no limit, fits those of this package, which are normal.

    In the generator's update the gradient goes through z' and the step in z, as
    published. In the discriminator's there is none, since no fakes have one there;
    only what the way costs is a matter of both networks. Passes take no power
    iteration, and see fakes before any augmentation.
    Raises: ValueError for a setting out of range.
    """

    def __init__(
        self,
        *,
        rate: float = 0.9,
        damping: float = 5.0,
        steps: int = 1,
        fraction: float = 0.8,
        weight: float = 300.0,
        clip: float | None = None,
    ):
        super().__init__()
        self.rate = in_range('rate', rate, above=0)
        self.damping = in_range('damping', damping, above=0)
        self.steps = whole('steps', steps, above=0)
        self.fraction = in_range('fraction', fraction, above=0, up_to=1)
        self.weight = in_range('weight', weight, above=0)
        self.clip = clip if clip is None else in_range('clip', clip, above=0)
        self.cost = None  # from ``latent`` to the penalty of the same rows

    def latent(self, z: Tensor, label: Tensor, gan: nn.Module) -> Tensor:
        # the generator's update freezes the discriminator, its own does not
        learns = any(p.requires_grad for p in gan.discriminator.parameters())
        with frozen(gan.generator if learns else gan.discriminator):
            z, self.cost = self.optimised(z, label, gan)
        return z.detach() if learns else z

    def optimised(
        self, z: Tensor, label: Tensor, gan: nn.Module
    ) -> tuple[Tensor, Tensor]:
        """z' (N, Z) and the mean squared length of the steps, a scalar; both know what
        they come from wherever gradients are asked for."""
        wanted, cost = torch.is_grad_enabled(), 0
        with torch.enable_grad(), aside(gan.generator), aside(gan.discriminator):
            for _ in range(self.steps):
                step = self.step(z, label, gan, differentiable=wanted)
                cost = cost + step.square().sum(1).mean()
                z = z + step
                if self.clip is not None:
                    z = z.clamp(-self.clip, self.clip)
        return (z, cost) if wanted else (z.detach(), cost.detach())

    def step(
        self, z: Tensor, label: Tensor, gan: nn.Module, *, differentiable: bool
    ) -> Tensor:
        """dz (N, Z) of one step, zero where it does not move an entry."""
        if not z.requires_grad:
            z = z.detach().requires_grad_()
        image = _replayed(gan, gan.generator)(z, label)
        said = _replayed(gan, gan.discriminator)(image, label, fake=True)
        (gradient,) = torch.autograd.grad(
            said.realness.sum(), z, create_graph=differentiable
        )
        step = natural_step(gradient, rate=self.rate, damping=self.damping)
        return torch.where(torch.rand_like(z) < self.fraction, step, 0)

    def discriminator_penalties(
        self, judged: Judged, gan: nn.Module
    ) -> dict[str, Tensor]:
        return self.transport()

    def generator_penalties(self, judged: Judged, gan: nn.Module) -> dict[str, Tensor]:
        return self.transport()

    def transport(self) -> dict[str, Tensor]:
        """What the latest z cost, once."""
        cost, self.cost = self.cost, None
        return {'loss_transport': self.weight * cost}

    def extra_repr(self) -> str:
        return (
            f'rate={self.rate}, damping={self.damping}, steps={self.steps}, '
            f'fraction={self.fraction}, weight={self.weight}, clip={self.clip}'
        )


def _replayed(gan: nn.Module, network: nn.Module):
    """What to call for a pass that finds the same singular vectors for all rows of an
    update; the network goes on with copies, since this pass's backward comes after
    their next iteration."""

    def one_pass(*args, **kwargs):
        output = gan.passes.through(network)(*args, **kwargs)
        put_vectors(network, vectors_of(network))
        return output

    return one_pass
