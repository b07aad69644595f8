"""What each network minimises, in two halves: passes of networks, and terms of what
they say.

Terms of a batch depend on all of its samples; they are taken of outputs alone, so that
a batch may be larger than what networks see at a time. Penalties are means over
samples that run networks themselves. Letters: N rows, Z width of z.
"""

from __future__ import annotations

import torch
from torch import Tensor

from reacgan_plugin.conditioning.base import DiscriminatorOutput
from reacgan_plugin.functional.precision import upcast
from reacgan_plugin.gan.technique import Judged, Shown
from reacgan_plugin.gan.terms import merged
from reacgan_plugin.layers import untracked_statistics


class DiscriminatorObjective:
    """Of ``image, label, z, fake_label``.

    Args:
        gan: the :class:`~reacgan_plugin.gan.model.ConditionalGAN`.
    """

    name = 'discriminator'

    def __init__(self, gan):
        self.gan = gan

    def outputs(
        self, image: Tensor, label: Tensor, z: Tensor, fake_label: Tensor
    ) -> Judged:
        """Run the networks on some rows."""
        gan = self.gan
        with gan.autocast(image):
            z = gan.techniques.latent(z, fake_label, gan)
            # running statistics of a network belong to its own updates
            with torch.no_grad(), untracked_statistics(gan.generator):
                fake_image = upcast(gan.passes.through(gan.generator)(z, fake_label))
            # where penalties start their gradients; those of the step do not go so far
            image = image.detach().requires_grad_()
            fake_image.requires_grad_()
            shown = gan.techniques.images(
                Shown(self.name, fake_image, fake_label, image, label), gan
            )
            discriminator = gan.passes.through(
                gan.discriminator, gan.parallel.forward_of(self.name, gan.discriminator)
            )
            real, fake = gan.judge(
                discriminator,
                shown.real.detach(),
                shown.label,
                shown.fake.detach(),
                shown.fake_label,
            )
        return Judged(real, fake._replace(z=z), image, label, fake_image, shown)

    def terms(self, judged: Judged) -> dict[str, Tensor]:
        """Weighted terms of a whole batch, read off outputs alone."""
        real, fake = judged.real, judged.fake
        return merged(
            {'loss_adversarial': self.gan.adversarial_loss.discriminator(real, fake)},
            self.gan.loss.discriminator(real, fake),
            self.gan.techniques.terms('discriminator_terms', judged, self.gan),
            _logit_means(real=real, fake=fake),
        )

    def penalties(self, judged: Judged) -> dict[str, Tensor]:
        """Weighted terms that are means over samples, with passes of their own."""
        return self.gan.techniques.terms('discriminator_penalties', judged, self.gan)


class GeneratorObjective:
    """Of ``z, label`` and, where a loss reads real samples too, ``image,
    image_label``; see :class:`DiscriminatorObjective`."""

    name = 'generator'

    def __init__(self, gan):
        self.gan = gan

    def outputs(
        self,
        z: Tensor,
        label: Tensor,
        image: Tensor | None = None,
        image_label: Tensor | None = None,
    ) -> Judged:
        """Run the networks on some rows."""
        gan = self.gan
        with gan.autocast(z):
            z = gan.techniques.latent(z, label, gan)
            generator = gan.passes.through(
                gan.generator, gan.parallel.forward_of(self.name, gan.generator)
            )
            fake_image = upcast(generator(z, label))
            shown = gan.techniques.images(
                Shown(self.name, fake_image, label, image, image_label), gan
            )
            discriminator = gan.passes.through(gan.discriminator)
            fake = gan.loss.judge_generated(discriminator, shown.fake, shown.fake_label)
            real = None
            if shown.real is not None:
                real = discriminator(shown.real, shown.label)
        return Judged(real, fake._replace(z=z), image, image_label, fake_image, shown)

    def terms(self, judged: Judged) -> dict[str, Tensor]:
        """Weighted terms of a whole batch, read off outputs alone."""
        real = judged.real
        fake = self.gan.techniques.select(judged.fake, self.gan)
        return merged(
            {'loss_adversarial': self.gan.adversarial_loss.generator(fake, real)},
            self.gan.loss.generator(fake, real),
            self.gan.techniques.terms('generator_terms', judged, self.gan),
        )

    def penalties(self, judged: Judged) -> dict[str, Tensor]:
        """Weighted terms that are means over samples, with passes of their own."""
        return self.gan.techniques.terms('generator_penalties', judged, self.gan)


def _logit_means(**outputs: DiscriminatorOutput) -> dict[str, Tensor]:
    """Mean logits for the log, where they show saturation and collapse."""
    return {f'logit_{k}': o.logits.detach().float().mean() for k, o in outputs.items()}
