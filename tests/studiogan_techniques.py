"""StudioGAN configs that ask for techniques, and the entries that they become."""

from __future__ import annotations

from torch import nn

from reacgan_plugin import techniques
from reacgan_plugin.integrations.studiogan.training import training_config

STYLEGAN2 = dict(backbone='stylegan2', g_act_fn='Auto', d_act_fn='Auto')
ADAPTIVE = dict(target=0.6, interval=4, kimg=500, strength=0.0)
LECAM = dict(
    apply_lecam=True, lecam_lambda=0.3, lecam_ema_start_iter=0, lecam_ema_decay=0.9
)
LOGAN = dict(
    apply_lo=True,
    lo_alpha=0.9,
    lo_beta=0.1,
    lo_rate=0.8,
    lo_lambda=0.1,
    lo_steps4train=1,
)
BCR = dict(apply_bcr=True, real_lambda=9, fake_lambda=8)
TOP_K = dict(apply_topk=True, topk_gamma=0.99, topk_nu=0.5)
ADA = dict(apply_ada=True, ada_aug_type='bgc')


def imported(**sections) -> tuple[list[dict], list[str]]:
    """The techniques of a config, and remarks."""
    config, remarks = training_config(sections)
    return config['model'].get('techniques', []), remarks


def built(entry: dict) -> nn.Module:
    """The technique of an entry."""
    options = {k: v for k, v in entry.items() if k != 'type'}
    return getattr(techniques, entry['type'])(**options)


ALONE = {
    'r1': (
        dict(LOSS=dict(apply_r1_reg=True, r1_lambda=0.5)),
        dict(type='R1', weight=0.5, interval=1),
    ),
    'r1 of StyleGAN2': (
        dict(
            MODEL=STYLEGAN2,
            LOSS=dict(apply_r1_reg=True, r1_lambda=0.5),
            STYLEGAN=dict(d_reg_interval=2),
        ),
        dict(type='R1', weight=0.5, interval=2),
    ),
    'path length': (
        dict(
            MODEL=STYLEGAN2,
            STYLEGAN=dict(apply_pl_reg=True, pl_weight=3, g_reg_interval=8),
        ),
        dict(type='PathLength', weight=3, interval=8),
    ),
    'gp': (
        dict(LOSS=dict(apply_gp=True, gp_lambda=5)),
        dict(type='GradientPenalty', weight=5),
    ),
    'gp as published': (
        dict(LOSS=dict(apply_gp=True)),
        dict(type='GradientPenalty', weight=10),
    ),
    'maxgp': (
        dict(LOSS=dict(apply_maxgp=True, maxgp_lambda=2)),
        dict(type='MaxGradientPenalty', weight=2),
    ),
    'dra': (
        dict(LOSS=dict(apply_dra=True, dra_lambda=3)),
        dict(type='DRAGAN', weight=3),
    ),
    'cr': (
        dict(LOSS=dict(apply_cr=True, cr_lambda=4), AUG=dict(cr_aug_type='cr')),
        dict(type='ConsistencyRegularisation', weight=4),
    ),
    'bcr': (
        dict(LOSS=BCR, AUG=dict(bcr_aug_type='bcr')),
        dict(type='BalancedConsistencyRegularisation', weight_real=9, weight_fake=8),
    ),
    'zcr': (
        dict(LOSS=dict(apply_zcr=True, radius=0.05, g_lambda=0.5, d_lambda=20)),
        dict(
            type='LatentConsistencyRegularisation',
            noise=0.05,
            weight_generator=0.5,
            weight_discriminator=20,
        ),
    ),
    'lecam': (dict(LOSS=LECAM), dict(type='LeCam', weight=0.3, start=0, decay=0.9)),
    'lo': (
        dict(LOSS=LOGAN),
        dict(
            type='LatentOptimisation',
            rate=0.9,
            damping=0.1,
            fraction=0.8,
            weight=0.1,
            steps=1,
            clip=1.0,
        ),
    ),
    'topk': (
        dict(LOSS=TOP_K, OPTIMIZATION=dict(batch_size=32, acml_steps=2)),
        # five updates of two micro-batches of 32 of the 50,000 images
        dict(type='TopK', gamma=0.99, nu=0.5, interval=156),
    ),
    'apa': (
        dict(AUG=dict(apply_apa=True, apa_target=0.7, apa_initial_augment_p=0.25)),
        dict(type='APA', **{**ADAPTIVE, 'target': 0.7, 'strength': 0.25}),
    ),
    'apa as published': (dict(AUG=dict(apply_apa=True)), dict(type='APA', **ADAPTIVE)),
    'diffaug': (
        dict(AUG=dict(apply_diffaug=True, diffaug_type='diffaug')),
        dict(type='DiffAugment'),
    ),
    'ada': (
        dict(AUG=dict(**ADA, ada_target=0.5, ada_kimg=100, ada_interval=2)),
        dict(type='ADA', policy='bgc', target=0.5, kimg=100, interval=2, strength=0.0),
    ),
    'ada as published': (
        dict(AUG=ADA),
        dict(type='ADA', policy='bgc', **ADAPTIVE),
    ),
    'ada that stays': (
        dict(AUG=dict(**ADA, ada_target=None, ada_initial_augment_p=1)),
        dict(type='ADA', policy='bgc', **{**ADAPTIVE, 'target': None, 'strength': 1}),
    ),
}
