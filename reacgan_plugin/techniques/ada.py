"""Adaptive discriminator augmentation (Karras et al. 2020, "Training Generative
Adversarial Networks with Limited Data")."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from reacgan_plugin.augment.pipeline import augment, multipliers_of
from reacgan_plugin.gan.technique import Shown
from reacgan_plugin.techniques.adaptive import AdaptiveTechnique


class ADA(AdaptiveTechnique):
    """The discriminator sees augmented images only, real samples and fakes, in both
    networks' updates; how often they are augmented follows how far it overfits
    (sections 2 and 3, appendix B).

    Args:
        policy: set of transformations, ``'b'`` pixel blitting, ``'bg'`` and general
            geometric ones, ``'bgc'`` and colour, ``'bgcf'`` and filtering, ``'bgcfn'``
            and noise, ``'bgcfnc'`` and cutout. Or a mapping of names of transformations
            to what the strength is multiplied by for each, ``dict(x_flip=1, hue=0.5)``.
        target: of r_t, the mean of sign(D(x)) over real samples; None: the strength
            stays.
        interval: iterations from one change of the strength to the next.
        kimg: thousands of real images in which it can get from 0 to 1.
        strength: p at first, the probability of each transformation.

    Raises: ValueError as :class:`AdaptiveTechnique`, and for another policy.
    """

    name = 'ada'
    danger = (
        'above 0.8 augmentations may leak into what the generator makes (Karras et al. '
        '2020, section 2.2)'
    )

    def __init__(
        self,
        *,
        policy: str | Mapping[str, float] = 'bgc',
        target: float | None = 0.6,
        interval: int = 4,
        kimg: float = 500,
        strength: float = 0.0,
    ):
        super().__init__(target=target, interval=interval, kimg=kimg, strength=strength)
        self.policy = policy
        self.multipliers = multipliers_of(policy)

    def images(self, shown: Shown, gan: nn.Module) -> Shown:
        fake = augment(shown.fake, self.strength, self.multipliers)
        if shown.real is None:
            return shown._replace(fake=fake)
        real = augment(shown.real, self.strength, self.multipliers)
        return shown._replace(fake=fake, real=real)

    def extra_repr(self) -> str:
        return f'policy={self.policy!r}'
