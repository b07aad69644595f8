"""Twin auxiliary classifier, TAC (Gong et al. 2019)."""

from __future__ import annotations

from torch import Tensor, nn

from reacgan_plugin.conditioning.base import Conditioning, DiscriminatorOutput
from reacgan_plugin.conditioning.wrapper import ClassifierWrapper
from reacgan_plugin.options import at_least, one_of

FORMULAS = ('paper', 'studiogan')


class TwinHead:
    """Extends a head by a second set of the method's own weights, the twin."""

    plain_head: type

    def __init__(self, in_channels: int, num_classes: int, **options):
        super().__init__(in_channels, num_classes, **options)
        self.twin = self.plain_head(in_channels, num_classes, **options)
        self.twin.adversarial = nn.Identity()  # there is one real/fake logit

    def judge(self, output: DiscriminatorOutput, fake: bool) -> DiscriminatorOutput:
        twin = self.twin.judge(output, fake)
        return super().judge(output, fake)._replace(twin=twin)


class TAC(ClassifierWrapper):
    """A twin classifier around AC, 2C or D2DCE, ``loss=dict(type='TAC')``.

    The twin learns the classes of *fakes*; the generator is rewarded where the twin
    fails, which undoes the classifier's pull towards samples far from other classes.

    Args:
        method: the conditioning, or its config; AC when there is none.
        discriminator_weight: factor of the twin's term in the discriminator's step.
        generator_weight: factor of the twin's term, negative, in the generator's.
        formula: ``'paper'``; ``'studiogan'`` gives the reference's numbers, which takes
            the twin's terms of the first classifier: the twin learns nothing, and with
            equal weights the generator gets no class term at all.

    Source: Gong et al. 2019 ("Twin auxiliary classifiers GAN"), Eq. 5.
    """

    extension = TwinHead

    def __init__(
        self,
        method: Conditioning | dict | None = None,
        *,
        discriminator_weight: float = 1.0,
        generator_weight: float = 1.0,
        formula: str = 'paper',
    ):
        super().__init__(method)
        self.discriminator_weight = at_least(
            'discriminator_weight', discriminator_weight, 0
        )
        self.generator_weight = at_least('generator_weight', generator_weight, 0)
        self.formula = one_of('formula', formula, FORMULAS)

    def discriminator(
        self, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> dict[str, Tensor]:
        terms = self.method.discriminator(real, fake)
        return {**terms, 'loss_twin': self.discriminator_weight * self._twin(fake)}

    def generator(
        self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None = None
    ) -> dict[str, Tensor]:
        terms = self.method.generator(fake, real)
        return {**terms, 'loss_twin': -self.generator_weight * self._twin(fake)}

    def _twin(self, fake: DiscriminatorOutput) -> Tensor:
        """The method's loss of the twin, without the method's weight."""
        if self.formula == 'paper':
            return self.method.unweighted(fake.twin)
        # DDP waits for gradients of the twin, even if they are zero
        unused = [fake.twin.embedding, fake.twin.proxy, fake.twin.class_logits]
        zero = sum(0 * value.sum() for value in unused if value is not None)
        return self.method.unweighted(fake) + zero
