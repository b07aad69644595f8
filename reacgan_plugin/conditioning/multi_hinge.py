"""Multi-hinge, MH (Kavalerov et al. 2019, "cGAN with multi-hinge loss")."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reacgan_plugin.conditioning.base import (
    AdversarialHead,
    Conditioning,
    DiscriminatorOutput,
)
from reacgan_plugin.distributed import default_group
from reacgan_plugin.functional.classification import feature_matching, multi_hinge
from reacgan_plugin.options import at_least


class MultiHingeHead(AdversarialHead):
    """K + 1 logits: one a class, the last one for 'fake'."""

    def width(self, num_classes: int) -> int:
        return num_classes + 1

    def logits(self, scores: Tensor, label: Tensor) -> Tensor:
        return scores


class MultiHinge(nn.Module):
    """The adversarial loss of multi-hinge: own class against all others, for fakes in
    the discriminator's step 'fake' against all others.

    Args:
        generator_weight: factor of the generator's term.
    """

    needs_real = False
    shares_labels = False

    def __init__(self, generator_weight: float):
        super().__init__()
        self.generator_weight = generator_weight

    def discriminator(
        self, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> Tensor:
        """Scalar that the discriminator minimises."""
        is_fake = torch.full_like(fake.label, fake.logits.shape[1] - 1)
        return multi_hinge(real.logits, real.label) + multi_hinge(fake.logits, is_fake)

    def generator(
        self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None = None
    ) -> Tensor:
        """Scalar that the generator minimises."""
        return self.generator_weight * multi_hinge(fake.logits, fake.label)


class MH(Conditioning):
    """Multi-hinge, ``loss=dict(type='MH')``, which brings its own adversarial part.

    It stands in for the hinge loss, whose form with classes it is; another adversarial
    loss beside it makes no sense.

    Args:
        generator_weight: factor of the generator's multi-hinge term.
        feature_weight: factor of feature matching in the generator's step, which reads
            real features too; 0: none.
        spectral_norm: normalise the head's weights.
    """

    head_class = MultiHingeHead

    def __init__(
        self,
        *,
        generator_weight: float = 0.05,
        feature_weight: float = 1.0,
        spectral_norm: bool = True,
    ):
        super().__init__(spectral_norm=spectral_norm)
        self.generator_weight = at_least('generator_weight', generator_weight, 0)
        self.feature_weight = at_least('feature_weight', feature_weight, 0)
        self.needs_real = feature_weight > 0

    def adversarial(self, adversarial_loss: nn.Module) -> nn.Module:
        if not getattr(adversarial_loss, 'is_hinge', False):
            raise ValueError(
                'model.loss=MH brings its own adversarial part, which stands in for '
                f'the hinge loss; found {type(adversarial_loss).__name__}; leave '
                "model.adversarial_loss out or set dict(type='Hinge')"
            )
        return MultiHinge(self.generator_weight)

    def generator(
        self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None = None
    ) -> dict[str, Tensor]:
        if not self.needs_real:
            return {}
        if real is None:
            raise ValueError('MH with feature_weight needs the output for reals too')
        loss = feature_matching(
            fake.features, real.features.detach(), group=default_group()
        )
        return {'loss_features': self.feature_weight * loss}
