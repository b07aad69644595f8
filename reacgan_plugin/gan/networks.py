"""A model's two networks from its config, checked against each other."""

from __future__ import annotations

from torch import nn

from reacgan_plugin.backbones.sizes import pair
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.registry import (
    BACKBONES,
    MODELS,
    build,
    build_conditioning,
    built_conditioning,
    check_type,
    parameters_of,
    registered,
)
from reacgan_plugin.signatures import settings_of


def build_generator(
    generator: nn.Module | dict, num_classes: int, image_channels: int = 3
) -> nn.Module:
    """The generator of a config, which takes the model's numbers of classes and of
    image channels, or one that is built already.

    Raises: ValueError for a type that is not registered or another number of either.
    """
    if not isinstance(generator, dict):
        return generator
    check_type(BACKBONES, generator, 'model.generator')
    if isinstance(generator.get('generator'), dict):  # one around another one
        inner = build_generator(generator['generator'], num_classes, image_channels)
        return build(BACKBONES, {**generator, 'generator': inner})
    generator = _with_channels(generator, 'model.generator', image_channels)
    known = parameters_of(BACKBONES, generator)
    if known is not None and 'num_classes' not in known:
        return build(BACKBONES, generator)
    found = generator.get('num_classes', num_classes)
    if found not in (None, num_classes):  # None: a generator without labels
        raise ValueError(
            f'model.generator.num_classes={found}, but model.num_classes='
            f'{num_classes}; leave the former out'
        )
    return build(BACKBONES, {**generator, 'num_classes': found})


def build_discriminator(
    discriminator: nn.Module | dict, loss, num_classes: int, image_channels: int = 3
) -> tuple[Discriminator, nn.Module]:
    """(discriminator, loss): a backbone under the head that the loss brings, or a
    whole discriminator that is built already.

    Raises: ValueError for a type that is not registered or no conditioning.
    """
    if isinstance(discriminator, dict):
        check_type(BACKBONES, discriminator, 'model.discriminator')
        discriminator = _with_channels(
            discriminator, 'model.discriminator', image_channels
        )
    backbone = build(BACKBONES, discriminator)
    if isinstance(backbone, Discriminator):
        return backbone, built_conditioning(loss)
    layers = getattr(backbone, 'head_layers', None)
    loss, head = build_conditioning(loss, backbone.out_channels, num_classes, layers)
    return Discriminator(backbone, head), loss


def build_adversarial_loss(cfg, default: str = 'Hinge') -> nn.Module:
    """The real/fake part of a config, or one that is built already.

    Raises: ValueError for a type that is not registered or is none.
    """
    built = build(MODELS, cfg or {'type': default})
    if not hasattr(built, 'needs_real'):
        raise ValueError(
            f"model.adversarial_loss={cfg!r} is none; give dict(type='{default}')"
        )
    return built


def check_sizes(generator: nn.Module, discriminator: Discriminator) -> None:
    """Images must fit the discriminator: a ``size`` is a side or (height, width).

    Raises: ValueError when both networks have one and the two differ.
    """
    ours = getattr(generator, 'size', None)
    theirs = getattr(discriminator.backbone, 'size', None)
    if None not in (ours, theirs) and pair(ours) != pair(theirs):
        raise ValueError(
            f'model.generator.size={ours} and model.discriminator.size={theirs} '
            'must be the same'
        )


def check_channels(
    generator: nn.Module, discriminator: Discriminator, image_channels: int
) -> None:
    """ValueError where a network says that its images have other channels than the
    model's; one that says nothing is believed."""
    networks = {'generator': generator, 'discriminator': discriminator.backbone}
    for name, network in networks.items():
        found = getattr(network, 'image_channels', image_channels)
        if found != image_channels:
            raise ValueError(
                f'model.{name} is built for images of {found} channel(s), but '
                f'model.image_channels={image_channels}'
            )


def check_codes(generator: nn.Module, loss: nn.Module) -> None:
    """ValueError when both have information codes and they differ, or when z has no
    room for those of the loss."""
    theirs = getattr(loss, 'sizes', None)
    if theirs is None:
        return
    ours = getattr(generator, 'sizes', theirs)
    if ours != theirs:
        raise ValueError(f'model.generator has {ours}, model.loss has {theirs}')
    if generator.z_dim < theirs.latent:
        raise ValueError(
            f'model.generator.z_dim={generator.z_dim}; the codes of model.loss take '
            f'{theirs.latent} entries of z'
        )


def _with_channels(network: dict, key: str, image_channels: int) -> dict:
    """The config with the model's channels, where its type takes them."""
    if 'image_channels' not in settings_of(registered(BACKBONES, network))[0]:
        return network
    found = network.get('image_channels', image_channels)
    if found != image_channels:
        raise ValueError(
            f'{key}.image_channels={found}, but model.image_channels={image_channels}; '
            'leave the former out'
        )
    return {**network, 'image_channels': image_channels}
