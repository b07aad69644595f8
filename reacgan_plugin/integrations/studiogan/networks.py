"""The two networks of a StudioGAN config."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import nn

from reacgan_plugin import backbones
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.integrations.studiogan.building import built
from reacgan_plugin.integrations.studiogan.methods import (
    build_conditioning,
    code_sizes,
)
from reacgan_plugin.integrations.studiogan.sections import (
    NOT_GIVEN,
    given,
    with_defaults,
)
from reacgan_plugin.options import one_of

FIXED = {  # settings that would make another network, and what is built here
    'g_act_fn': ('ReLU', 'Auto'),
    'd_act_fn': ('ReLU', 'Auto'),
    'z_prior': ('gaussian',),
}
WIDE_SIDE = 512  # from here on, and on CIFAR, StyleGAN2 has twice the channels
CIFAR = ('CIFAR10', 'CIFAR100')


def build_networks(config: Mapping) -> tuple[nn.Module, Discriminator]:
    """Generator and discriminator of a StudioGAN config, with fresh weights.

    Args:
        config: mapping with the sections DATA, MODEL, LOSS, STYLEGAN and so on; missing
            sections and keys take the reference's defaults.

    Raises: ValueError for a backbone or method that is not supported.
    """
    generator = _built(generator_config(config))
    backbone = _built(backbone_config(config))
    head = build_conditioning(config).build_head(
        backbone.out_channels,
        with_defaults(config)['DATA']['num_classes'],
        layers=getattr(backbone, 'head_layers', None),
    )
    return generator, Discriminator(backbone, head)


def generator_config(config: Mapping) -> dict:
    """The generator as a config of ours, ``dict(type='BigGANGenerator', ...)``.

    Raises: ValueError for settings that are not supported.
    """
    config = _checked(config)
    model = config['MODEL']
    conditional = one_of(
        'MODEL.g_cond_mtd', model['g_cond_mtd'], ('W/O', *_family(config).conditions)
    )
    classes = None if conditional == 'W/O' else config['DATA']['num_classes']
    generator = dict(
        size=config['DATA']['img_size'],
        num_classes=classes,
        z_dim=model['z_dim'],
    )
    generator = _family(config).generator(config, generator)
    if model['info_type'] == NOT_GIVEN:
        return generator
    one_of('MODEL.g_info_injection', model['g_info_injection'], ('concat',))
    return dict(
        type='CodedGenerator',
        generator=generator,
        spectral_norm=model['apply_g_sn'],
        **code_sizes(config),
    )


def backbone_config(config: Mapping) -> dict:
    """The discriminator's backbone as a config of ours.

    Raises: as :func:`generator_config`.
    """
    config = _checked(config)
    backbone = dict(size=config['DATA']['img_size'])
    return _family(config).discriminator(config, backbone)


class Residual:
    """Generator and discriminator of BigGAN's and SNGAN's kind."""

    conditions = ('cBN',)

    def __init__(self, name: str, **options):
        self.name, self.options = name, options

    def generator(self, config: Mapping, sizes: dict) -> dict:
        model = config['MODEL']
        side = _sides_of_blocks(lambda block: 4 * 2**block)
        return dict(
            type=f'{self.name}Generator',
            **sizes,
            **self.options,
            base_channels=model['g_conv_dim'],
            attention_at=side(model, 'attn_g_loc'),
            spectral_norm=model['apply_g_sn'],
            **self.depth(model['g_depth']),
            **self.shared(model),
        )

    def discriminator(self, config: Mapping, sizes: dict) -> dict:
        model = config['MODEL']
        side = _sides_of_blocks(lambda block: sizes['size'] // 2**block)
        return dict(
            type=f'{self.name}Discriminator',
            **sizes,
            **self.options,
            base_channels=model['d_conv_dim'],
            attention_at=side(model, 'attn_d_loc'),
            spectral_norm=model['apply_d_sn'],
            **self.depth(model['d_depth']),
        )

    def depth(self, blocks) -> dict:
        return {}

    def shared(self, model: Mapping) -> dict:
        return given(shared_dim=model['g_shared_dim'])


class Deep(Residual):
    """BigGAN-deep: several blocks at each resolution."""

    def depth(self, blocks) -> dict:
        return given(depth=blocks)


class Plain(Residual):
    """SNGAN and SAGAN: the class enters without an embedding."""

    def shared(self, model: Mapping) -> dict:
        return {}


class Style:
    """StyleGAN2."""

    conditions = ('cAdaIN',)

    def generator(self, config: Mapping, sizes: dict) -> dict:
        model, style = config['MODEL'], config['STYLEGAN']
        return dict(
            type='StyleGAN2Generator',
            **sizes,
            **given(
                w_dim=model['w_dim'],
                mapping_layers=style['mapping_network'],
                style_mixing=style['style_mixing_p'],
            ),
            channel_base=_channel_base(config['DATA']),
        )

    def discriminator(self, config: Mapping, sizes: dict) -> dict:
        style = config['STYLEGAN']
        return dict(
            type='StyleGAN2Discriminator',
            **sizes,
            **given(
                architecture=style['d_architecture'],
                stddev_group=style['d_epilogue_mbstd_group_size'],
            ),
            channel_base=_channel_base(config['DATA']),
        )


FAMILIES = {
    'big_resnet': Residual('BigGAN'),
    'big_resnet_deep_legacy': Deep('BigGANDeep', variant='legacy'),
    'big_resnet_deep_studiogan': Deep('BigGANDeep', variant='studiogan'),
    'resnet': Plain('ResNet'),
    'stylegan2': Style(),
}


def _family(config: Mapping):
    name = config['MODEL']['backbone']
    return FAMILIES[one_of('MODEL.backbone', name, FAMILIES)]


def _checked(config: Mapping) -> dict[str, dict]:
    config = with_defaults(config)
    for key, allowed in FIXED.items():
        one_of(f'MODEL.{key}', config['MODEL'][key], allowed)
    one_of('DATA.img_channels', config['DATA']['img_channels'], (3,))
    return config


def _sides_of_blocks(side_after: Callable[[int], int]) -> Callable:
    """Feature sizes after whose block attention follows; blocks count from one."""

    def sides(model: Mapping, key: str) -> tuple[int, ...]:
        if not model['apply_attn']:
            return ()
        blocks = model[key]
        if not all(isinstance(block, int) for block in blocks):
            raise ValueError(
                f'MODEL.{key}={list(blocks)} with MODEL.apply_attn; allowed: numbers '
                'of blocks, from 1'
            )
        return tuple(side_after(block) for block in blocks)

    return sides


def _channel_base(data: Mapping) -> int:
    wide = data['img_size'] >= WIDE_SIDE or data['name'] in CIFAR
    return 32768 if wide else 16384


def _built(config: dict) -> nn.Module:
    return built(config, partial(getattr, backbones), inner='generator')
