"""Networks and weights by the names of PyTorch-StudioGAN's configs and checkpoints.

``build_networks`` reads the sections DATA, MODEL and LOSS of such a config, a mapping.
The two converters rename a state dict entry by entry, so that any subset of one
(gradients, say) converts too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor, nn

from reacgan_plugin.backbones.biggan import BigGANDiscriminator, BigGANGenerator
from reacgan_plugin.conditioning import (
    AC,
    PD,
    ConditionalContrastiveLoss,
    Conditioning,
    D2DCELoss,
    Unconditional,
)
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.options import one_of, some

NOT_GIVEN = 'N/A'  # the reference's word for it
DEFAULTS = {
    'DATA': dict(img_size=32, num_classes=10),
    'MODEL': dict(
        backbone='resnet',
        g_cond_mtd='W/O',
        d_cond_mtd='W/O',
        normalize_d_embed=False,
        apply_g_sn=False,
        apply_d_sn=False,
        apply_attn=False,
        attn_g_loc=(),
        attn_d_loc=(),
        z_dim=128,
        g_shared_dim=NOT_GIVEN,
        g_conv_dim=64,
        d_conv_dim=64,
        d_embed_dim=NOT_GIVEN,
    ),
    'LOSS': dict(cond_lambda=NOT_GIVEN, m_p=NOT_GIVEN, temperature=NOT_GIVEN),
}
BACKBONES = ('big_resnet',)
GENERATOR_CONDITIONINGS = ('W/O', 'cBN')
FIXED = {  # settings that would make another network, and what is built here
    'aux_cls_type': ('W/O',),
    'info_type': (NOT_GIVEN,),
    'g_act_fn': ('ReLU',),
    'd_act_fn': ('ReLU',),
    'g_init': ('ortho',),
    'd_init': ('ortho',),
}


def with_defaults(config: Mapping) -> dict[str, dict]:
    """The sections read here, with the reference's defaults for missing keys."""
    return {
        section: {**defaults, **config.get(section, {})}
        for section, defaults in DEFAULTS.items()
    }


def build_networks(config: Mapping) -> tuple[nn.Module, Discriminator]:
    """Generator and discriminator of a StudioGAN config, with fresh weights.

    Args:
        config: mapping with the sections DATA, MODEL, LOSS, OPTIMIZATION; missing
            sections and keys take the reference's defaults.

    Raises: ValueError for a backbone or method that is not supported.
    """
    config = with_defaults(config)
    data, model = config['DATA'], config['MODEL']
    one_of('MODEL.backbone', model['backbone'], BACKBONES)
    one_of('MODEL.g_cond_mtd', model['g_cond_mtd'], GENERATOR_CONDITIONINGS)
    for key, allowed in FIXED.items():
        one_of(f'MODEL.{key}', model.get(key, allowed[0]), allowed)
    size = data['img_size']
    conditional = model['g_cond_mtd'] == 'cBN'
    generator = BigGANGenerator(
        size=size,
        num_classes=data['num_classes'] if conditional else None,
        base_channels=model['g_conv_dim'],
        z_dim=model['z_dim'],
        **_given(shared_dim=model['g_shared_dim']),
        attention_at=_attention(model, 'attn_g_loc', lambda n: 4 * 2**n),
        spectral_norm=model['apply_g_sn'],
    )
    backbone = BigGANDiscriminator(
        size=size,
        base_channels=model['d_conv_dim'],
        attention_at=_attention(model, 'attn_d_loc', lambda n: size // 2**n),
        spectral_norm=model['apply_d_sn'],
    )
    conditioning = build_conditioning(config)
    head = conditioning.build_head(backbone.out_channels, data['num_classes'])
    return generator, Discriminator(backbone, head)


def build_conditioning(config: Mapping) -> Conditioning:
    """The conditioning of a StudioGAN config, with the reference's formulas."""
    config = with_defaults(config)
    model, loss = config['MODEL'], config['LOSS']
    method = one_of('MODEL.d_cond_mtd', model['d_cond_mtd'], METHODS)
    return METHODS[method](model, loss)


def _d2dce(model: dict, loss: dict) -> Conditioning:
    return D2DCELoss(
        formula='studiogan',
        spectral_norm=model['apply_d_sn'],
        **_given(
            margin=loss['m_p'],
            temperature=loss['temperature'],
            loss_weight=loss['cond_lambda'],
            embed_dim=model['d_embed_dim'],
        ),
    )


def _2c(model: dict, loss: dict) -> Conditioning:
    return ConditionalContrastiveLoss(
        spectral_norm=model['apply_d_sn'],
        **_given(
            temperature=loss['temperature'],
            loss_weight=loss['cond_lambda'],
            embed_dim=model['d_embed_dim'],
        ),
    )


def _ac(model: dict, loss: dict) -> Conditioning:
    return AC(
        normalize='features' if model['normalize_d_embed'] else None,
        spectral_norm=model['apply_d_sn'],
        **_given(loss_weight=loss['cond_lambda']),
    )


def _given(**options) -> dict:
    """Options that the config gives; our own defaults stand in for the others."""
    return {k: v for k, v in options.items() if v != NOT_GIVEN}


METHODS = {
    'W/O': lambda model, loss: Unconditional(spectral_norm=model['apply_d_sn']),
    'PD': lambda model, loss: PD(spectral_norm=model['apply_d_sn']),
    'AC': _ac,
    '2C': _2c,
    'D2DCE': _d2dce,
}


def _attention(model: dict, key: str, size_after_block) -> tuple[int, ...]:
    """Feature sizes after whose block attention follows; blocks count from one."""
    if not model['apply_attn']:
        return ()
    return tuple(size_after_block(block) for block in model[key])


ATTENTION_NAMES = [
    (r'^blocks\.(\d+)\.0\.conv1x1_theta\.', r'blocks.\1.query.'),
    (r'^blocks\.(\d+)\.0\.conv1x1_phi\.', r'blocks.\1.key.'),
    (r'^blocks\.(\d+)\.0\.conv1x1_g\.', r'blocks.\1.value.'),
    (r'^blocks\.(\d+)\.0\.conv1x1_attn\.', r'blocks.\1.out.'),
    (r'^blocks\.(\d+)\.0\.sigma$', r'blocks.\1.weight'),
]
GENERATOR_NAMES = [
    *ATTENTION_NAMES,
    (r'^blocks\.(\d+)\.0\.bn([12])\.bn\.', r'blocks.\1.norm\2.norm.'),
    (r'^blocks\.(\d+)\.0\.bn([12])\.(gain|bias)\.', r'blocks.\1.norm\2.\3.'),
    (r'^blocks\.(\d+)\.0\.conv2d0\.', r'blocks.\1.shortcut.'),
    (r'^blocks\.(\d+)\.0\.conv2d([12])\.', r'blocks.\1.conv\2.'),
    (r'^linear0\.', 'input.'),
    (r'^bn4\.', 'norm.'),
    (r'^conv2d5\.', 'output.'),
    (r'^shared\.', 'class_embedding.'),
]
BACKBONE_NAMES = [
    *ATTENTION_NAMES,
    (r'^blocks\.(\d+)\.0\.conv2d0\.', r'blocks.\1.shortcut.'),
    (r'^blocks\.(\d+)\.0\.conv2d([12])\.', r'blocks.\1.conv\2.'),
    (r'^blocks\.(\d+)\.0\.bn0\.', r'blocks.\1.shortcut_norm.'),
    # the first block has no norm before its first convolution
    (r'^blocks\.0\.0\.bn1\.', 'blocks.0.norm2.'),
    (r'^blocks\.(\d+)\.0\.bn([12])\.', r'blocks.\1.norm\2.'),
]
SPECTRAL_NAMES = [
    (r'\.weight_orig$', '.parametrizations.weight.original'),
    (r'\.weight_u$', '.parametrizations.weight.0._u'),
    (r'\.weight_v$', '.parametrizations.weight.0._v'),
]


def convert_generator_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a generator's entries from StudioGAN's names to ours.

    Raises: ValueError listing the names that are not known (ten at most).
    """
    return _renamed(state, GENERATOR_NAMES, prefix='')


def convert_discriminator_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a discriminator's entries; the method shows in which of ``linear2``,
    its bias and ``embedding`` are there.

    Raises: ValueError listing the names that are not known (ten at most).
    """
    backbone = {k: v for k, v in state.items() if k.startswith('blocks.')}
    head = {k: v for k, v in state.items() if k not in backbone}
    return {
        **_renamed(backbone, BACKBONE_NAMES, prefix='backbone.'),
        **_renamed(head, _head_names(head), prefix='head.'),
    }


def _head_names(head: Mapping) -> list[tuple[str, str]]:
    """``linear2`` projects where it has a bias or an embedding beside it; the
    auxiliary classifier has neither."""
    has_linear2 = any(name.startswith('linear2.') for name in head)
    has_embedding = any(name.startswith('embedding.') for name in head)
    projects = 'linear2.bias' in head or (has_linear2 and has_embedding)
    return [
        (r'^linear1\.', 'adversarial.'),
        (r'^linear2\.', 'projection.linear.' if projects else 'classifier.'),
        (r'^embedding\.', 'proxies.' if projects else 'embedding.'),
    ]


def _renamed(state: Mapping, names: list[tuple[str, str]], *, prefix: str) -> dict:
    unknown = [k for k in state if not any(re.search(old, k) for old, _ in names)]
    if unknown:
        raise ValueError(f'state dict has names that are not known: {some(unknown)}')
    converted = {}
    for name, value in state.items():
        new = next(re.sub(old, new, name) for old, new in names if re.search(old, name))
        for old_end, new_end in SPECTRAL_NAMES:
            new = re.sub(old_end, new_end, new)
        converted[prefix + new] = value
    return converted
