"""Latent consistency regularisation, zCR (Zhao et al. 2021, "Improved consistency
regularization for GANs")."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from reacgan_plugin.conditioning.base import DiscriminatorOutput
from reacgan_plugin.functional.consistency import consistency
from reacgan_plugin.gan.aside import aside
from reacgan_plugin.gan.replay import Randomness, drawn_again
from reacgan_plugin.gan.technique import Judged, Technique
from reacgan_plugin.options import in_range
from reacgan_plugin.techniques.consistency import (
    OUTPUTS,
    checked_outputs,
    discrepancy,
)


class LatentConsistencyRegularisation(Technique):
    """Adds ``loss_latent_consistency``: the discriminator shall say the same of fakes
    whose z are near each other, and the generator shall make different ones of them.

    weight_discriminator x E |D(G(z)) - D(G(z + e))|^2 in the discriminator's update,
    -weight_generator x E |G(z) - G(z + e)|^2 in the generator's, with normal e of zero
    mean (Algorithm 2). Squares are means over what is compared, as in the reference.

    Together with :class:`~.balanced_consistency.BalancedConsistencyRegularisation` in
    the list of techniques it makes ICR.

    Args:
        weight_discriminator: lambda_dis; 20 in the reference's BigGAN.
        weight_generator: lambda_gen.
        noise: standard deviation of e; 0.05 in the reference's BigGAN.
        of: as in :class:`~.consistency.ConsistencyRegularisation`.

    Both take passes of their own, by G and in the discriminator's update by D, so that
    they get the same noise of the generator's own and its same mixing of styles, in
    float32: half precision's rounding is as large as the difference. Compared are
    fakes before any augmentation.
    Raises: ValueError for a setting that is not allowed, and in the step when the
    conditioning has nothing of what ``of`` names.
    """

    def __init__(
        self,
        *,
        weight_discriminator: float = 5.0,
        weight_generator: float = 0.5,
        noise: float = 0.03,
        of: Iterable[str] = OUTPUTS,
    ):
        super().__init__()
        self.weight_discriminator = in_range(
            'weight_discriminator', weight_discriminator, above=0
        )
        self.weight_generator = in_range('weight_generator', weight_generator, above=0)
        self.noise = in_range('noise', noise, above=0)
        self.of = checked_outputs(of)

    def discriminator_penalties(
        self, judged: Judged, gan: nn.Module
    ) -> dict[str, Tensor]:
        fake, near = judged.fake, self.near(judged.fake.z)
        state = Randomness(near)
        said = _judged(fake.z, fake, gan)
        with drawn_again(state, near):
            other = _judged(near, fake, gan)
        penalty = discrepancy(said, other, self.of)
        return {'loss_latent_consistency': self.weight_discriminator * penalty}

    def generator_penalties(self, judged: Judged, gan: nn.Module) -> dict[str, Tensor]:
        z, label = judged.fake.z.detach(), judged.fake.label
        near = self.near(z)
        with aside(gan.generator):
            state = Randomness(z)
            image = gan.generator(z, label)
            with drawn_again(state, z):
                other = gan.generator(near, label)
        return {
            'loss_latent_consistency': -self.weight_generator
            * consistency(image, other)
        }

    def near(self, z: Tensor) -> Tensor:
        """z + e (N, Z)."""
        return z + self.noise * torch.randn_like(z)

    def extra_repr(self) -> str:
        return (
            f'weight_discriminator={self.weight_discriminator}, '
            f'weight_generator={self.weight_generator}, noise={self.noise}, '
            f'of={self.of}'
        )


def _judged(
    z: Tensor, fake: DiscriminatorOutput, gan: nn.Module
) -> DiscriminatorOutput:
    """What the discriminator says of fakes of z under the classes of others."""
    with torch.no_grad(), aside(gan.generator):
        image = gan.generator(z, fake.label)
    with aside(gan.discriminator):
        return gan.discriminator(image, fake.label, fake=True)
