"""A whole StudioGAN config as a training config of ours."""

from __future__ import annotations

from collections.abc import Mapping

from reacgan_plugin.fine_tuning import without_count
from reacgan_plugin.integrations.studiogan.methods import (
    adversarial_config,
    conditioning_config,
)
from reacgan_plugin.integrations.studiogan.networks import (
    backbone_config,
    generator_config,
)
from reacgan_plugin.integrations.studiogan.sections import (
    NOT_GIVEN,
    STYLE,
    given,
    switched_on,
    unknown_keys,
    with_defaults,
)
from reacgan_plugin.integrations.studiogan.techniques import (
    technique_configs,
    technique_remarks,
)
from reacgan_plugin.options import one_of, some

BASE = 'reacgan_plugin::_base_'
CIFAR = {'CIFAR10': 'cifar10', 'CIFAR100': 'cifar100'}
EPSILON = {STYLE: 1e-8}  # of Adam; 1e-6 elsewhere


def training_config(config: Mapping) -> tuple[dict, list[str]]:
    """A config of ours, as a dict with ``_base_``, and remarks on what it leaves out.

    Raises: ValueError for settings that would make another network or another step.
    """
    sections = with_defaults(config)
    remarks = _left_out(config, sections)
    optimization = sections['OPTIMIZATION']
    one_of('OPTIMIZATION.type_', optimization['type_'], ('Adam',))
    one_of('OPTIMIZATION.g_updates_per_step', optimization['g_updates_per_step'], (1,))
    accumulation = optimization['acml_steps']
    ours = dict(
        _base_=[f'{BASE}/runtime.py'],
        total_batch_size=optimization['batch_size'] * accumulation,
        train_cfg=dict(max_iters=optimization['total_steps']),
        model=_model(config, sections),
        optim_wrapper=dict(
            constructor='GANOptimWrapperConstructor',
            generator=dict(optimizer=_adam(sections, 'g')),
            discriminator=dict(optimizer=_adam(sections, 'd')),
        ),
    )
    _add_data(ours, sections)
    return ours, remarks


def _left_out(config: Mapping, sections: Mapping) -> list[str]:
    """A remark on everything in the config that ours does not have."""
    model, loss = sections['MODEL'], sections['LOSS']
    remarks = [
        f'{key} is no key of StudioGAN and was left out' for key in unknown_keys(config)
    ]
    remarks += [
        f'{key} was left out: this technique is not carried over'
        for key in switched_on(config)
    ]
    remarks += technique_remarks(sections)
    if loss['apply_fm'] and model['d_cond_mtd'] != 'MH':
        remarks.append('LOSS.apply_fm was left out: here MH alone matches features')
    for key in ('g_init', 'd_init'):
        if model[key] != 'ortho':
            remarks.append(f'MODEL.{key}={model[key]}: fresh weights are orthogonal')
    if loss['apply_r1_reg'] and loss['r1_place'] == 'outside_loop':
        remarks.append(
            'LOSS.r1_place: here R1 is a term of the update that it falls in'
        )
    if not sections['OPTIMIZATION']['d_first']:
        remarks.append('OPTIMIZATION.d_first=False: here the discriminator is first')
    if sections['RUN']:
        remarks.append(
            f'RUN was left out ({some(sections["RUN"])}): settings of a run are '
            'arguments of tools/train.py'
        )
    return remarks


def _model(config: Mapping, sections: Mapping) -> dict:
    optimization = sections['OPTIMIZATION']
    ours = dict(
        type='ConditionalGAN',
        num_classes=sections['DATA']['num_classes'],
        generator=without_count(generator_config(config)),
        discriminator=backbone_config(config),
        loss=conditioning_config(config),
        adversarial_loss=adversarial_config(config),
        techniques=technique_configs(sections),
        d_updates=optimization['d_updates_per_step'],
        accumulation=optimization['acml_steps'],
        ema=_average(sections),
    )
    left_out = {'techniques': [], 'ema': None, 'accumulation': 1}
    return {k: v for k, v in ours.items() if left_out.get(k, NOT_GIVEN) != v}


def _average(sections: Mapping) -> dict | None:
    model, style = sections['MODEL'], sections['STYLEGAN']
    if not model['apply_g_ema']:
        return None
    if model['backbone'] == STYLE:
        return given(half_life=style['g_ema_kimg'], ramp_up=style['g_ema_rampup'])
    return given(decay=model['g_ema_decay'], start=model['g_ema_start'])


def _adam(sections: Mapping, network: str) -> dict:
    """StyleGAN2's rates and betas are those of its lazy penalties: of every interval
    plus one steps, one is the penalty's."""
    settings, backbone = sections['OPTIMIZATION'], sections['MODEL']['backbone']
    ratio = 1.0
    if backbone == STYLE:
        interval = sections['STYLEGAN'][f'{network}_reg_interval']
        ratio = interval / (interval + 1) if interval > 1 else 1.0
    adam = dict(
        type='Adam',
        lr=settings[f'{network}_lr'] * ratio,
        betas=(settings['beta1'] ** ratio, settings['beta2'] ** ratio),
        eps=EPSILON.get(backbone, 1e-6),
    )
    if settings[f'{network}_weight_decay']:
        adam['weight_decay'] = settings[f'{network}_weight_decay']
    return adam


def _add_data(ours: dict, sections: Mapping) -> None:
    """The data set: CIFAR by its base config, others as class folders."""
    data, flips = sections['DATA'], sections['PRE']['apply_rflip']
    if data['name'] in CIFAR and data['img_size'] == 32 and flips:
        ours['_base_'].append(f'{BASE}/datasets/{CIFAR[data["name"]]}.py')
        return
    size = data['img_size']
    pipeline = [
        dict(type='LoadImage'),
        dict(type='CenterCropSquare'),
        dict(
            type='Resize',
            scale=(size, size),
            backend='pillow',
            interpolation='lanczos',
        ),
        dict(type='RandomFlip', prob=0.5),
        dict(type='PackImage'),
    ]
    if not flips:
        pipeline.pop(-2)
    kind, root = 'ClassFolder', f'data/{data["name"]}/train'
    if data['name'] in CIFAR:
        kind, root = data['name'], f'data/{data["name"].lower()}'
    ours['train_dataloader'] = dict(
        num_workers=4, dataset=dict(type=kind, data_root=root, pipeline=pipeline)
    )
