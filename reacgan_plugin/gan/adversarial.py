"""Adversarial losses as components: the real/fake part of both objectives."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from reacgan_plugin.conditioning.base import DiscriminatorOutput
from reacgan_plugin.functional import adversarial


class AdversarialLoss(nn.Module):
    """Applies a pair of functions to logits; subclasses name the pair."""

    needs_real = False  # whether the generator's step runs D on reals too
    shares_labels = False  # whether fakes are drawn of the real batch's classes
    is_hinge = False  # whether multi-hinge is its form with classes
    on_discriminator: Callable[[Tensor, Tensor], Tensor]
    on_generator: Callable[[Tensor], Tensor]

    def discriminator(
        self, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> Tensor:
        """Scalar that the discriminator minimises."""
        return self.on_discriminator(real.logits, fake.logits)

    def generator(
        self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None = None
    ) -> Tensor:
        """Scalar that the generator minimises."""
        return self.on_generator(fake.logits)


class Vanilla(AdversarialLoss):
    """Cross entropy of real against fake, non-saturating (Goodfellow et al. 2014)."""

    on_discriminator = staticmethod(adversarial.vanilla_discriminator)
    on_generator = staticmethod(adversarial.vanilla_generator)


class Logistic(AdversarialLoss):
    """Softplus form of the same, as StyleGAN writes it (Karras et al. 2019)."""

    on_discriminator = staticmethod(adversarial.logistic_discriminator)
    on_generator = staticmethod(adversarial.logistic_generator)


class Hinge(AdversarialLoss):
    """Hinge loss (Lim and Ye 2017), that of BigGAN and ReACGAN."""

    is_hinge = True
    on_discriminator = staticmethod(adversarial.hinge_discriminator)
    on_generator = staticmethod(adversarial.hinge_generator)


class LeastSquares(AdversarialLoss):
    """Least squares towards 1 and 0 (Mao et al. 2017)."""

    on_discriminator = staticmethod(adversarial.least_squares_discriminator)
    on_generator = staticmethod(adversarial.least_squares_generator)


class Wasserstein(AdversarialLoss):
    """Difference of means (Arjovsky et al. 2017); wants a Lipschitz discriminator."""

    on_discriminator = staticmethod(adversarial.wasserstein_discriminator)
    on_generator = staticmethod(adversarial.wasserstein_generator)


class Relativistic(AdversarialLoss):
    """Pairs of a real and a fake sample of one class, each judged relative to the other
    (Huang et al. 2024, "R3GAN"); the paper adds gradient penalties on reals and fakes,
    of which the technique R1 is the former."""

    needs_real = True
    shares_labels = True

    def discriminator(
        self, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> Tensor:
        return adversarial.relativistic_discriminator(real.logits, fake.logits)

    def generator(
        self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None = None
    ) -> Tensor:
        if real is None:
            raise ValueError('Relativistic needs the output for reals too')
        return adversarial.relativistic_generator(fake.logits, real.logits)
