"""Auxiliary classifier, AC (Odena et al. 2017), with ReACGAN's normalisations."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from reacgan_plugin.conditioning.base import (
    AdversarialHead,
    Conditioning,
    DiscriminatorOutput,
)
from reacgan_plugin.functional.classification import class_cross_entropy
from reacgan_plugin.functional.sphere import project_to_sphere
from reacgan_plugin.options import one_of

NORMALIZE = (None, 'features', 'both')


class ClassifierHead(AdversarialHead):
    """Adds class logits F(x).w_k, without bias.

    Args:
        normalize: None: as they are. ``'features'``: F(x) on the unit sphere, which is
            what the reference's ``normalize_d_embed`` really does with AC. ``'both'``:
            the class weights too, as the paper has it; logits are then cosines. The
            output's features are the normalised ones, as in the reference; the
            adversarial logit is taken from those before.
        options: of :class:`AdversarialHead`.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        normalize: str | None = None,
        **options,
    ):
        super().__init__(in_channels, num_classes, **options)
        self.normalize = one_of('normalize', normalize, NORMALIZE)
        self.classifier = self.layers.linear(in_channels, num_classes, bias=False)

    def judge(self, output: DiscriminatorOutput, fake: bool) -> DiscriminatorOutput:
        if self.normalize is None:
            return output._replace(class_logits=self.classifier(output.features))
        features = project_to_sphere(output.features)
        return output._replace(
            features=features, class_logits=self._class_logits(features)
        )

    def _class_logits(self, features: Tensor) -> Tensor:
        if self.normalize == 'features':
            return self.classifier(features)
        return F.linear(features, project_to_sphere(self.classifier.weight))


class AC(Conditioning):
    """Cross entropy of an auxiliary classifier, ``loss=dict(type='AC')``.

    The discriminator classifies the real batch, the generator's fakes are classified
    in its own step (the form that ReACGAN compares with).

    Args:
        loss_weight: factor of the term.
        normalize: see :class:`ClassifierHead`.
        spectral_norm: normalise the head's weights.
    """

    head_class = ClassifierHead

    def __init__(
        self,
        *,
        loss_weight: float = 1.0,
        normalize: str | None = None,
        spectral_norm: bool = True,
    ):
        super().__init__(
            loss_weight=loss_weight,
            normalize=one_of('normalize', normalize, NORMALIZE),
            spectral_norm=spectral_norm,
        )

    def unweighted(self, output: DiscriminatorOutput) -> Tensor:
        return class_cross_entropy(output.class_logits, output.label)
