"""Techniques whose strength follows how far the discriminator overfits."""

from __future__ import annotations

import logging

from mmengine.logging import print_log
from torch import Tensor, nn

from reacgan_plugin.augment.strength import AdaptiveStrength
from reacgan_plugin.gan.adversarial import LeastSquares, Relativistic, Wasserstein
from reacgan_plugin.gan.technique import Judged, Technique

# where D(x) = 0 does not lie between real and fake
WITHOUT_SIGN = (LeastSquares, Relativistic, Wasserstein)
WATCHED = 500  # iterations from one look at the strength to the next, which waits
HIGH = 0.8


class AdaptiveTechnique(Technique):
    """Counts what the discriminator says of real samples, and adapts its strength.

    Logs ``<name>/strength``, and ``<name>/sign``, the mean of sign(D(x)) over the real
    samples of an iteration. Warns once when the strength is above 0.8, at which it
    looks every 500 iterations.

    Args:
        target, interval, kimg: see
            :class:`~reacgan_plugin.augment.strength.AdaptiveStrength`; ``target=None``
            keeps the strength as it is.
        strength: p at first.

    Raises: ValueError for a setting out of range, and, in a model, for an adversarial
    loss under which the sign of D means nothing.
    """

    name: str  # in the log
    danger: str  # of a high strength

    def __init__(
        self,
        *,
        target: float | None = 0.6,
        interval: int = 4,
        kimg: float = 500,
        strength: float = 0.0,
    ):
        super().__init__()
        self.adaptive = AdaptiveStrength(
            target=target, interval=interval, kimg=kimg, strength=strength
        )
        self.warned = False

    @property
    def strength(self) -> Tensor:
        """p, a scalar on the device."""
        return self.adaptive.strength

    def check(self, gan: nn.Module) -> None:
        adversarial = gan.adversarial_loss
        if self.adaptive.target is not None and isinstance(adversarial, WITHOUT_SIGN):
            raise ValueError(
                f'{type(self).__name__} reads the sign of D(x) of real samples, which '
                f'means nothing under {type(adversarial).__name__}; allowed: another '
                'adversarial loss, such as Hinge or Logistic, or target=None, which '
                'keeps the strength as it is'
            )

    def discriminator_terms(self, judged: Judged, gan: nn.Module) -> dict[str, Tensor]:
        self.adaptive.observe(judged.real.realness)
        return {}

    def after_update(self, outputs: dict[str, Tensor], gan: nn.Module) -> None:
        outputs[f'{self.name}/sign'] = self.adaptive.update(gan.iteration)
        outputs[f'{self.name}/strength'] = self.strength.clone()
        if not self.warned and (gan.iteration + 1) % WATCHED == 0:
            self._warn_if_high()

    def _warn_if_high(self) -> None:
        strength = float(self.strength)
        if strength > HIGH and self.adaptive.target is not None:
            self.warned = True
            message = f'{self.name}/strength is {strength:.2f}: {self.danger}'
            print_log(message, logger='current', level=logging.WARNING)
