"""How the discriminator sees real samples and fakes: one after the other or at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from torch import Tensor, nn

from reacgan_plugin.conditioning.base import DiscriminatorOutput
from reacgan_plugin.options import one_of

Pair = tuple[DiscriminatorOutput, DiscriminatorOutput]


def separate(
    discriminator: Callable,
    image: Tensor,
    label: Tensor,
    fake_image: Tensor,
    fake_label: Tensor,
) -> Pair:
    """(real, fake) of two passes, as in the published runs: spectral norm takes two
    power iterations, and batch statistics are of one kind of sample."""
    real = discriminator(image, label)
    return real, discriminator(fake_image, fake_label, fake=True)


def joint(
    discriminator: Callable,
    image: Tensor,
    label: Tensor,
    fake_image: Tensor,
    fake_label: Tensor,
) -> Pair:
    """(real, fake) of one pass over both: spectral norm takes one power iteration, and
    batch statistics, those of minibatch stddev too, are of real samples and fakes
    together. Without such statistics the same numbers for settled singular vectors."""
    return discriminator(image, label, beside=(fake_image, fake_label))


PASSES = {'separate': separate, 'joint': joint}


def passes_of(name: str, discriminator: nn.Module) -> Callable[..., Pair]:
    """The function of ``discriminator_passes=name``.

    Its first argument is the discriminator, or its DDP wrapper.
    Raises: ValueError for another name, and for a discriminator without joint passes.
    """
    passes = PASSES[one_of('model.discriminator_passes', name, PASSES)]
    takes = inspect.signature(discriminator.forward).parameters
    if passes is joint and 'beside' not in takes:
        raise ValueError(
            f"model.discriminator_passes='joint', but {type(discriminator).__name__} "
            "judges one batch a pass; allowed: 'separate', or a backbone and a head in "
            'a Discriminator'
        )
    return passes
