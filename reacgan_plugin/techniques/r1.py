"""R1, a penalty on the discriminator's gradient at real images (Mescheder et al. 2018,
section 4.1)."""

from __future__ import annotations

from torch import Tensor, nn

from reacgan_plugin.functional.penalties import r1
from reacgan_plugin.gan.aside import aside
from reacgan_plugin.gan.technique import Judged
from reacgan_plugin.techniques.lazy import LazyPenalty


class R1(LazyPenalty):
    """Adds ``loss_r1``, gamma / 2 x mean_i |d D(x_i, y_i) / d x_i|^2 over real images.

    Args:
        weight: gamma.
        interval: the penalty is taken in every so many iterations, and then weighted
            by as much.

    It needs a pass of its own, since the one of the step starts no gradient at the
    images, may run in half precision and may be compiled. The gradient is that with
    respect to images before any augmentation.
    """

    def __init__(self, *, weight: float = 10.0, interval: int = 1):
        super().__init__(weight=weight, interval=interval)

    def discriminator_penalties(
        self, judged: Judged, gan: nn.Module
    ) -> dict[str, Tensor]:
        if not self.due(gan):
            return {}
        with aside(gan.discriminator):
            output = gan.discriminator(judged.shown.real, judged.shown.label)
        return {'loss_r1': self.factor / 2 * r1(output.realness, judged.image)}
