"""The training techniques of a StudioGAN config, as entries of ``model.techniques``."""

from __future__ import annotations

from collections.abc import Mapping

from reacgan_plugin.augment.pipeline import POLICIES, SETS
from reacgan_plugin.integrations.studiogan.sections import (
    NOT_GIVEN,
    STYLE,
    value_of,
)
from reacgan_plugin.integrations.studiogan.switches import (
    SWITCHES,
    Switch,
    checked_value,
    options_of,
)

BY_TYPE = {switch.type: switch for switch in SWITCHES}

PARTS = ('blit', 'geom', 'color', 'filter', 'noise', 'cutout')
ADA_POLICIES = {policy: policy for policy in POLICIES}
ADA_POLICIES |= {
    part: dict.fromkeys(names, 1.0) for part, names in zip(PARTS, SETS, strict=True)
}
# asked for as ADA's, but without a probability that could adapt
OTHER_THAN_ADA = (
    'diffaug',
    'simclr',
    'simclr_basic',
    'simclr_hq',
    'simclr_hq_cutout',
)
AUGMENTATIONS = {  # the key of a technique's augmentation, and those built here
    'ConsistencyRegularisation': ('AUG.cr_aug_type', ('cr',)),
    'BalancedConsistencyRegularisation': ('AUG.bcr_aug_type', ('bcr',)),
    'DiffAugment': ('AUG.diffaug_type', ('diffaug',)),
    'ADA': ('AUG.ada_aug_type', (*ADA_POLICIES, *OTHER_THAN_ADA)),
}
IN_PLACE_OF = {  # of the one that is switched on beside it
    'ConsistencyRegularisation': 'BalancedConsistencyRegularisation',
    'DiffAugment': 'ADA',
}
WITHOUT_SIGN = ('least_square', 'wasserstein')  # LOSS.adv_loss

IMAGES = {  # of training sets
    'CIFAR10': 50_000,
    'CIFAR100': 50_000,
    'Tiny_ImageNet': 100_000,
    'ImageNet': 1_281_167,
}
ASSUMED_IMAGES = 50_000


def technique_configs(sections: Mapping) -> list[dict]:
    """``model.techniques`` of a config with all sections.

    Raises: ValueError for a value of a technique that is missing or out of range.
    """
    return [_entry(switch, sections) for switch in SWITCHES if _taken(switch, sections)]


def technique_remarks(sections: Mapping) -> list[str]:
    """What is left out of the techniques that a config asks for, and what differs."""
    reasons = [
        (switch.key, _reason_against(switch, sections))
        for switch in SWITCHES
        if value_of(sections, switch.key)
    ]
    left_out = [f'{key} was left out: {reason}' for key, reason in reasons if reason]
    return left_out + [
        remark
        for kind, remarks in REMARKS.items()
        if _taken(BY_TYPE[kind], sections)
        for remark in remarks(sections)
    ]


def _taken(switch: Switch, sections: Mapping) -> bool:
    asked_for = value_of(sections, switch.key)
    return bool(asked_for) and _reason_against(switch, sections) is None


def _reason_against(switch: Switch, sections: Mapping) -> str | None:
    """Why a technique that is asked for is not taken; None if it is."""
    if switch.type in AUGMENTATIONS:
        key, known = AUGMENTATIONS[switch.type]
        if value_of(sections, key) not in known:
            return f'{key}={value_of(sections, key)!r} is not built here'
    if switch.type == 'PathLength' and sections['MODEL']['backbone'] != STYLE:
        return f'MODEL.backbone={sections["MODEL"]["backbone"]!r} has no styles'
    if _reads_signs(switch, sections):
        loss = sections['LOSS']['adv_loss']
        if loss in WITHOUT_SIGN:
            return (
                f'it reads the sign of D(x), which means nothing under LOSS.adv_loss='
                f'{loss!r}; target=None would keep its strength as it is'
            )
    other = BY_TYPE.get(IN_PLACE_OF.get(switch.type))
    if other and _taken(other, sections):
        return f'{other.key} takes its place'
    return None


def _reads_signs(switch: Switch, sections: Mapping) -> bool:
    if switch.type == 'ADA' and _is_other_than_ada(sections):
        return False
    target = switch.options.get('target')
    return target is not None and value_of(sections, target) is not None


def _is_other_than_ada(sections: Mapping) -> bool:
    return sections['AUG']['ada_aug_type'] in OTHER_THAN_ADA


def _entry(switch: Switch, sections: Mapping) -> dict:
    if switch.type == 'ADA' and _is_other_than_ada(sections):
        return dict(type='DiffAugment')
    entry = dict(type=switch.type, **options_of(switch, sections))
    if switch.type in FURTHER:
        entry |= FURTHER[switch.type](sections)
    return entry


def _r1_interval(sections: Mapping) -> dict:
    if sections['MODEL']['backbone'] != STYLE:
        return dict(interval=1)
    key = 'STYLEGAN.d_reg_interval'
    return dict(interval=checked_value(sections, key, by=BY_TYPE['R1'].key))


def _policy(sections: Mapping) -> dict:
    return dict(policy=ADA_POLICIES[sections['AUG']['ada_aug_type']])


def _epoch(sections: Mapping) -> dict:
    """The interval of top-k: iterations in which the reference's loader, which leaves
    out what does not fill an iteration, has shown all images."""
    optimization = sections['OPTIMIZATION']
    images_of_an_iteration = (
        optimization['batch_size']
        * optimization['acml_steps']
        * optimization['d_updates_per_step']
    )
    images = IMAGES.get(sections['DATA']['name'], ASSUMED_IMAGES)
    return dict(interval=max(images // images_of_an_iteration, 1))


FURTHER = {  # options that are no values of keys
    'R1': _r1_interval,
    'ADA': _policy,
    'TopK': _epoch,
    # the reference keeps z there, from whatever it is drawn
    'LatentOptimisation': lambda sections: dict(clip=1.0),
}


def _on_epochs(sections: Mapping) -> list[str]:
    name, interval = sections['DATA']['name'], _epoch(sections)['interval']
    if name in IMAGES:
        return []
    return [
        f'LOSS.apply_topk: how many images {name} has is not known here; its interval '
        f'is set to {interval} iterations, an epoch of {ASSUMED_IMAGES} images'
    ]


def _on_steps(sections: Mapping) -> list[str]:
    remarks = []
    steps = sections['LOSS']['lo_steps4train']
    if steps != 1:
        remarks.append(
            f'LOSS.lo_steps4train={steps}: here so many steps are taken, in StudioGAN '
            'the first one alone'
        )
    if sections['LOSS']['lo_steps4eval'] != NOT_GIVEN:
        remarks.append('LOSS.lo_steps4eval was left out: here z moves in training only')
    return remarks


def _on_other_than_ada(sections: Mapping) -> list[str]:
    if not _is_other_than_ada(sections):
        return []
    return [
        f'AUG.ada_aug_type={sections["AUG"]["ada_aug_type"]} has no probability to '
        'adapt: DiffAugment at full strength stands in'
    ]


REMARKS = {
    'LatentOptimisation': _on_steps,
    'TopK': _on_epochs,
    'ADA': _on_other_than_ada,
}
