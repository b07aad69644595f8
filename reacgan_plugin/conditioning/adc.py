"""Discriminative auxiliary classifier, ADC (Hou et al. 2022, "ADC-GAN")."""

from __future__ import annotations

from torch import Tensor

from reacgan_plugin.conditioning.base import DiscriminatorOutput
from reacgan_plugin.conditioning.wrapper import ClassifierWrapper


class DiscriminativeHead:
    """Extends a head to 2K classes: 2y for real samples of class y, 2y + 1 for fakes.

    The output's label stays the class that was asked for.
    """

    def __init__(self, in_channels: int, num_classes: int, **options):
        super().__init__(in_channels, 2 * num_classes, **options)
        self.num_classes = num_classes

    def judge(self, output: DiscriminatorOutput, fake: bool) -> DiscriminatorOutput:
        doubled = output._replace(label=_doubled(output.label, fake))
        return super().judge(doubled, fake)._replace(label=output.label)


class ADC(ClassifierWrapper):
    """The classifier tells real from fake samples of each class,
    ``loss=dict(type='ADC')``, around AC, 2C or D2DCE.

    The discriminator classifies both batches; the generator wants its fakes taken for
    real samples of their class and not for fake ones, which costs it a second pass of
    the discriminator.

    Args:
        method: the conditioning, or its config; AC when there is none.

    Source: Hou et al. 2022, Eqs. 4 and 5.
    """

    extension = DiscriminativeHead

    def judge_generated(self, discriminator, image, label) -> DiscriminatorOutput:
        as_real = discriminator(image, label, fake=False)
        return as_real._replace(twin=discriminator(image, label, fake=True))

    def discriminator(
        self, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> dict[str, Tensor]:
        return {
            'loss_conditioning': self._loss(real, fake=False),
            'loss_conditioning_fake': self._loss(fake, fake=True),
        }

    def generator(
        self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None = None
    ) -> dict[str, Tensor]:
        if fake.twin is None:
            raise ValueError(
                "ADC's generator terms read two views of the fakes; "
                'loss.judge_generated(discriminator, image, label) gives both'
            )
        return {
            'loss_conditioning': self._loss(fake, fake=False),
            'loss_conditioning_fake': -self._loss(fake.twin, fake=True),
        }

    def _loss(self, output: DiscriminatorOutput, *, fake: bool) -> Tensor:
        doubled = output._replace(label=_doubled(output.label, fake))
        return self.method.loss_weight * self.method.unweighted(doubled)


def _doubled(label: Tensor, fake: bool) -> Tensor:
    return 2 * label + int(fake)
