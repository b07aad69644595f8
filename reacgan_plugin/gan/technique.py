"""What a training technique may do, at eight points of the step; here nothing.

A penalty, an augmentation or a trick is a subclass that overrides the points it needs;
the step loops over a list of them and has no other branch. Letters: N batch, Z width
of z.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor, nn

from reacgan_plugin.conditioning.base import DiscriminatorOutput
from reacgan_plugin.gan.terms import merged


class Shown(NamedTuple):
    """What the discriminator is to see in an update, and under which labels."""

    network: str  # that is updated: 'generator' or 'discriminator'
    fake: Tensor  # (N, 3, H, W)
    fake_label: Tensor  # (N,)
    real: Tensor | None = None  # (N, 3, H, W); None in a generator update without reals
    label: Tensor | None = None  # (N,)


class Judged(NamedTuple):
    """What the discriminator says, and of what it says it.

    Images carry a graph from the plain ones to those that were shown, so that a
    penalty may ask for a gradient with respect to the former by a pass of its own over
    the latter.
    """

    real: DiscriminatorOutput | None  # None in a generator update that needs none
    fake: DiscriminatorOutput
    image: Tensor | None = None  # reals before any technique
    label: Tensor | None = None  # (N,) of these
    fake_image: Tensor | None = None  # fakes before any technique
    shown: Shown | None = None


class Technique(nn.Module):
    """Does nothing at every point. What must survive a resume lives in buffers or in
    ``get_extra_state``, so that the model's state dict carries it.

    Terms read what the discriminator says of a whole batch, of which images may be
    gone: with exact accumulation it is larger than what networks see at a time.
    Penalties are means over samples and may run networks themselves, under
    :func:`~reacgan_plugin.gan.aside.aside`; they are taken of each micro-batch. Names
    of what is minimised start with 'loss_', anything else is only logged.
    """

    def check(self, gan: nn.Module) -> None:
        """Called when the model is built; ValueError where it cannot work with it."""

    def latent(self, z: Tensor, label: Tensor, gan: nn.Module) -> Tensor:
        """The z (N, Z) that the generator gets instead, in both updates."""
        return z

    def images(self, shown: Shown, gan: nn.Module) -> Shown:
        """What the discriminator sees instead; of fakes in a discriminator update
        there is no graph to the generator."""
        return shown

    def discriminator_terms(self, judged: Judged, gan: nn.Module) -> dict[str, Tensor]:
        """Further weighted terms of the discriminator's loss, of a whole batch."""
        return {}

    def discriminator_penalties(
        self, judged: Judged, gan: nn.Module
    ) -> dict[str, Tensor]:
        """Further weighted terms of the discriminator's loss, of a micro-batch."""
        return {}

    def select(self, fake: DiscriminatorOutput, gan: nn.Module) -> DiscriminatorOutput:
        """The part of the fake output that the generator's losses are taken over."""
        return fake

    def generator_terms(self, judged: Judged, gan: nn.Module) -> dict[str, Tensor]:
        """Further weighted terms of the generator's loss, of a whole batch."""
        return {}

    def generator_penalties(self, judged: Judged, gan: nn.Module) -> dict[str, Tensor]:
        """Further weighted terms of the generator's loss, of a micro-batch."""
        return {}

    def after_update(self, outputs: dict[str, Tensor], gan: nn.Module) -> None:
        """Called with the iteration's detached terms once both networks are updated;
        what it adds to them is logged."""


class Techniques(nn.ModuleList):
    """Several techniques, one after the other, at each point.

    Raises: ValueError for what is no technique, and for one that is there twice, whose
    terms would have the same names.
    """

    def __init__(self, techniques: Iterable[Technique] = ()):
        techniques = list(techniques)
        for number, technique in enumerate(techniques):
            key, kind = f'model.techniques[{number}]', type(technique)
            if not isinstance(technique, Technique):
                raise ValueError(
                    f'{key} is {technique!r}, which is no technique; allowed: a list '
                    "of them or of configs, [dict(type='DiffAugment')]"
                )
            if kind is not Technique and kind in map(type, techniques[:number]):
                raise ValueError(f'{key} is a second {kind.__name__}; allowed: one')
        super().__init__(techniques)

    def check(self, gan: nn.Module) -> None:
        """Called when the model is built; ValueError where one cannot work with it."""
        for technique in self:
            technique.check(gan)

    def latent(self, z: Tensor, label: Tensor, gan: nn.Module) -> Tensor:
        for technique in self:
            z = technique.latent(z, label, gan)
        return z

    def images(self, shown: Shown, gan: nn.Module) -> Shown:
        for technique in self:
            shown = technique.images(shown, gan)
        return shown

    def select(self, fake: DiscriminatorOutput, gan: nn.Module) -> DiscriminatorOutput:
        for technique in self:
            fake = technique.select(fake, gan)
        return fake

    def terms(self, point: str, judged: Judged, gan: nn.Module) -> dict[str, Tensor]:
        """Terms of all techniques at one of the four points that have them."""
        return merged(*(getattr(t, point)(judged, gan) for t in self))

    def after_update(self, outputs: dict[str, Tensor], gan: nn.Module) -> None:
        for technique in self:
            technique.after_update(outputs, gan)
