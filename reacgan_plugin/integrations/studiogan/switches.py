"""Switches of techniques in a StudioGAN config, and the keys of their settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from reacgan_plugin.integrations.studiogan.sections import (
    NOT_GIVEN,
    needed,
    value_of,
)
from reacgan_plugin.options import in_range


class Switch(NamedTuple):
    """A technique that a config can ask for."""

    key: str
    type: str  # of ours
    options: Mapping[str, str]  # of ours, and the keys that hold their values


def _adaptive(name: str) -> dict[str, str]:
    return dict(
        target=f'AUG.{name}_target',
        interval=f'AUG.{name}_interval',
        kimg=f'AUG.{name}_kimg',
        strength=f'AUG.{name}_initial_augment_p',
    )


# in the order of model.techniques: what adds to losses, tricks, augmentations
SWITCHES = (
    Switch('LOSS.apply_r1_reg', 'R1', dict(weight='LOSS.r1_lambda')),
    Switch(
        'STYLEGAN.apply_pl_reg',
        'PathLength',
        dict(weight='STYLEGAN.pl_weight', interval='STYLEGAN.g_reg_interval'),
    ),
    Switch('LOSS.apply_gp', 'GradientPenalty', dict(weight='LOSS.gp_lambda')),
    Switch('LOSS.apply_maxgp', 'MaxGradientPenalty', dict(weight='LOSS.maxgp_lambda')),
    Switch('LOSS.apply_dra', 'DRAGAN', dict(weight='LOSS.dra_lambda')),
    Switch('LOSS.apply_cr', 'ConsistencyRegularisation', dict(weight='LOSS.cr_lambda')),
    Switch(
        'LOSS.apply_bcr',
        'BalancedConsistencyRegularisation',
        dict(weight_real='LOSS.real_lambda', weight_fake='LOSS.fake_lambda'),
    ),
    Switch(
        'LOSS.apply_zcr',
        'LatentConsistencyRegularisation',
        dict(
            weight_discriminator='LOSS.d_lambda',
            weight_generator='LOSS.g_lambda',
            noise='LOSS.radius',
        ),
    ),
    Switch(
        'LOSS.apply_lecam',
        'LeCam',
        dict(
            weight='LOSS.lecam_lambda',
            decay='LOSS.lecam_ema_decay',
            start='LOSS.lecam_ema_start_iter',
        ),
    ),
    Switch(
        'LOSS.apply_lo',
        'LatentOptimisation',
        dict(
            rate='LOSS.lo_alpha',
            damping='LOSS.lo_beta',
            steps='LOSS.lo_steps4train',
            fraction='LOSS.lo_rate',
            weight='LOSS.lo_lambda',
        ),
    ),
    Switch('LOSS.apply_topk', 'TopK', dict(gamma='LOSS.topk_gamma', nu='LOSS.topk_nu')),
    # APA mixes images before the others change them, as in the reference
    Switch('AUG.apply_apa', 'APA', _adaptive('apa')),
    Switch('AUG.apply_diffaug', 'DiffAugment', {}),
    Switch('AUG.apply_ada', 'ADA', _adaptive('ada')),
)

PROBABILITIES = ('AUG.ada_initial_augment_p', 'AUG.apa_initial_augment_p')
TARGETS = ('AUG.ada_target', 'AUG.apa_target')  # None keeps a strength as it is
SHARE = dict(above=0, up_to=1)
RANGES = {  # of values; those of the others are above 0
    'LOSS.lecam_ema_decay': SHARE,
    'LOSS.lecam_ema_start_iter': dict(above=-1),
    'LOSS.lo_rate': SHARE,
    'LOSS.topk_gamma': SHARE,
    'LOSS.topk_nu': SHARE,
    **dict.fromkeys(PROBABILITIES, SHARE),
    **dict.fromkeys(TARGETS, dict(above=-1, up_to=1)),
}


def options_of(switch: Switch, sections: Mapping) -> dict:
    """Options of ours with the values of their keys.

    Raises: ValueError for a value that is not given or out of range.
    """
    return {
        option: checked_value(sections, key, by=switch.key)
        for option, key in switch.options.items()
    }


def checked_value(sections: Mapping, key: str, *, by: str):
    """The value of a key of a technique that is switched on.

    Raises: ValueError when it is not given or out of range.
    """
    value = value_of(sections, key)
    if key in PROBABILITIES and value in (NOT_GIVEN, 0):
        return 0.0
    if key in TARGETS and value is None:
        return None
    value = needed(sections, key, by=by)
    return in_range(key, value, **RANGES.get(key, dict(above=0)))
