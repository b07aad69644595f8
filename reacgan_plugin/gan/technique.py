"""What a training technique may do, at six points of the step; here nothing.

A penalty, an augmentation or a trick is a subclass that overrides the points it needs;
the step loops over a list of them and has no other branch. Letters: N batch, Z width
of z.
"""

from __future__ import annotations

from torch import Tensor, nn

from reacgan_plugin.conditioning.base import DiscriminatorOutput
from reacgan_plugin.gan.terms import merged


class Technique(nn.Module):
    """Does nothing at every point. What must survive a resume lives in buffers or in
    ``get_extra_state``, so that the model's state dict carries it."""

    def check(self, gan: nn.Module) -> None:
        """Called when the model is built; ValueError where it cannot work with it."""

    def latent(self, z: Tensor, label: Tensor, gan: nn.Module) -> Tensor:
        """The z (N, Z) that the generator gets instead, in both updates."""
        return z

    def images(self, real: Tensor | None, fake: Tensor) -> tuple[Tensor | None, Tensor]:
        """Images (N, 3, H, W) that the discriminator gets instead; ``real`` is None
        in a generator update that needs no reals."""
        return real, fake

    def discriminator_terms(
        self,
        gan: nn.Module,
        real_image: Tensor,
        fake_image: Tensor,
        real: DiscriminatorOutput,
        fake: DiscriminatorOutput,
    ) -> dict[str, Tensor]:
        """Further weighted terms of the discriminator's loss; names start 'loss_'."""
        return {}

    def generator_terms(
        self, gan: nn.Module, z: Tensor, fake_image: Tensor, fake: DiscriminatorOutput
    ) -> dict[str, Tensor]:
        """Further weighted terms of the generator's loss; names start 'loss_'."""
        return {}

    def select(self, fake: DiscriminatorOutput) -> DiscriminatorOutput:
        """The part of the fake output that the generator's losses are taken over."""
        return fake

    def after_update(self, outputs: dict[str, Tensor]) -> None:
        """Called with the iteration's detached terms once both networks are updated."""


class Techniques(nn.ModuleList):
    """Several techniques, one after the other, at each point."""

    def latent(self, z: Tensor, label: Tensor, gan: nn.Module) -> Tensor:
        for technique in self:
            z = technique.latent(z, label, gan)
        return z

    def images(self, real: Tensor | None, fake: Tensor) -> tuple[Tensor | None, Tensor]:
        for technique in self:
            real, fake = technique.images(real, fake)
        return real, fake

    def discriminator_terms(self, *arguments) -> dict[str, Tensor]:
        return merged(*(t.discriminator_terms(*arguments) for t in self))

    def generator_terms(self, *arguments) -> dict[str, Tensor]:
        return merged(*(t.generator_terms(*arguments) for t in self))

    def select(self, fake: DiscriminatorOutput) -> DiscriminatorOutput:
        for technique in self:
            fake = technique.select(fake)
        return fake

    def after_update(self, outputs: dict[str, Tensor]) -> None:
        for technique in self:
            technique.after_update(outputs)
