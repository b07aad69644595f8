"""Projection discriminator, PD (Miyato and Koyama 2018)."""

from reacgan_plugin.conditioning.base import (
    AdversarialHead,
    Conditioning,
    DiscriminatorOutput,
)


class ProjectionHead(AdversarialHead):
    """Adds the inner product of features and class embedding to the logit (Eq. 3)."""

    def __init__(self, in_channels: int, num_classes: int, **options):
        super().__init__(in_channels, num_classes, **options)
        self.embedding = self.layers.embedding(num_classes, in_channels)

    def judge(self, output: DiscriminatorOutput, fake: bool) -> DiscriminatorOutput:
        alignment = (self.embedding(output.label) * output.features).sum(1)
        return output._replace(logits=output.logits + alignment)


class PD(Conditioning):
    """Projection discriminator, ``loss=dict(type='PD')``: no term of its own, the
    adversarial loss carries the class."""

    head_class = ProjectionHead

    def __init__(self, *, spectral_norm: bool = True):
        super().__init__(spectral_norm=spectral_norm)
