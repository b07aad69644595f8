"""R1, a penalty on the discriminator's gradient at real images (Mescheder et al. 2018,
section 4.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reacgan_plugin.conditioning.base import DiscriminatorOutput
from reacgan_plugin.functional.penalties import r1
from reacgan_plugin.gan.compiled import eager
from reacgan_plugin.gan.technique import Technique
from reacgan_plugin.layers.modes import settled, untracked_statistics
from reacgan_plugin.options import in_range


class R1(Technique):
    """Adds ``loss_r1``, gamma / 2 x mean_i |d D(x_i, y_i) / d x_i|^2 over real images.

    Args:
        weight: gamma.
        interval: the penalty is taken in every so many iterations, and then weighted
            by as much (Karras et al. 2020, "StyleGAN2", section 3.1).

    It needs a pass of its own, since the one of the step starts no gradient at the
    images, may run in half precision and may be compiled. Running statistics and
    singular vectors stay.
    Raises: ValueError for a weight or interval that is not positive.
    """

    def __init__(self, *, weight: float = 10.0, interval: int = 1):
        super().__init__()
        self.weight = in_range('weight', weight, above=0)
        self.interval = in_range('interval', interval, above=0)

    def discriminator_terms(
        self,
        gan: nn.Module,
        real_image: Tensor,
        fake_image: Tensor,
        real: DiscriminatorOutput,
        fake: DiscriminatorOutput,
    ) -> dict[str, Tensor]:
        if gan.iteration % self.interval:
            return {}
        image = real_image.detach().requires_grad_()
        discriminator = gan.discriminator
        with (
            torch.autocast(image.device.type, enabled=False),
            untracked_statistics(discriminator),
            settled(discriminator),
            eager(discriminator),
        ):
            logits = discriminator(image, real.label).logits
        return {'loss_r1': self.weight / 2 * self.interval * r1(logits, image)}

    def extra_repr(self) -> str:
        return f'weight={self.weight}, interval={self.interval}'
