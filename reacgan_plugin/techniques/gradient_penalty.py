"""The gradient penalty of WGAN-GP (Gulrajani et al. 2017, section 4), and what its
kin share."""

from __future__ import annotations

from torch import Tensor, nn

from reacgan_plugin.augment.transformation import uniform
from reacgan_plugin.functional.penalties import interpolated, one_centred
from reacgan_plugin.gan.aside import aside
from reacgan_plugin.gan.technique import Judged
from reacgan_plugin.techniques.lazy import LazyPenalty


class GradientPenalty(LazyPenalty):
    """Adds ``loss_gradient_penalty``, weight x mean_i (|d D(x_i, y_i) / d x_i| - 1)^2
    at points x_i between reals and fakes, under the reals' classes (Eq. 3).

    Args:
        weight: lambda.
        interval: the penalty is taken in every so many iterations, and then weighted
            by as much.

    Points lie between images before any augmentation, as in the reference. D is one
    number a sample, ``DiscriminatorOutput.realness``.

    A relative names its term and overrides ``points`` or ``penalty``.
    """

    term = 'loss_gradient_penalty'

    def __init__(self, *, weight: float = 10.0, interval: int = 1):
        super().__init__(weight=weight, interval=interval)

    def points(self, real: Tensor, fake: Tensor) -> Tensor:
        """Where the gradient is taken, (N, 3, H, W) of batches shaped like it."""
        return interpolated(real, fake, uniform(real))

    def penalty(self, realness: Tensor, image: Tensor) -> Tensor:
        """Unweighted scalar of what the discriminator says (N,) of the points."""
        return one_centred(realness, image)

    def discriminator_penalties(
        self, judged: Judged, gan: nn.Module
    ) -> dict[str, Tensor]:
        if not self.due(gan):
            return {}
        real, fake = judged.image.detach(), judged.fake_image.detach()
        image = self.points(real, fake).requires_grad_()
        with aside(gan.discriminator):
            output = gan.discriminator(image, judged.label)
        return {self.term: self.factor * self.penalty(output.realness, image)}
