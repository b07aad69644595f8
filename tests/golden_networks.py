"""Our networks and model in the state of a golden file."""

from __future__ import annotations

import torch
from golden_files import load
from mmengine.model import BaseDataPreprocessor
from mmengine.optim import OptimWrapper

from reacgan_plugin.gan.adversarial import Hinge
from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.integrations.studiogan import (
    build_conditioning,
    build_networks,
    convert_discriminator_state,
    convert_generator_state,
)

SHARED_GENERATOR = 'G_bigresnet32_D2DCE'
CONVERT = {
    'generator': convert_generator_state,
    'discriminator': convert_discriminator_state,
}


def part(tensors: dict, prefix: str) -> dict:
    """Entries under a prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def networks(generator_file: str | None, discriminator_file: str | None, config: dict):
    """Generator and discriminator of a config, in the states of golden files."""
    generator, discriminator = build_networks(config)
    if generator_file:
        state = part(load(generator_file)[0], 'state.')
        generator.load_state_dict(convert_generator_state(state), strict=True)
    if discriminator_file:
        state = part(load(discriminator_file)[0], 'state.')
        discriminator.load_state_dict(convert_discriminator_state(state), strict=True)
    return generator, discriminator


def trained_model(
    generator_file: str, discriminator_file: str, metadata: dict, **options
):
    """A model in training mode and its two optimizers, as the golden run had them,
    in float64: in float32 the order of a sum, which differs between processors, may
    put a number on the other side of a ReLU's kink."""
    config = metadata['config']
    generator, discriminator = networks(generator_file, discriminator_file, config)
    generator, discriminator = generator.double(), discriminator.double()
    model = ConditionalGAN(
        generator,
        discriminator,
        build_conditioning(config),
        num_classes=config['DATA']['num_classes'],
        adversarial_loss=Hinge(),
        data_preprocessor=BaseDataPreprocessor(),
        **options,
    )
    settings = metadata['optimizer']
    optimizers = {
        name: OptimWrapper(
            torch.optim.Adam(
                getattr(model, name).parameters(),
                lr=settings[f'{name[0]}_lr'],
                betas=settings['betas'],
                eps=settings['eps'],
            )
        )
        for name in CONVERT
    }
    return model.train(), optimizers
