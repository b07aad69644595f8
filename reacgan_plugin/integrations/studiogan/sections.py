"""Sections and keys of a StudioGAN config: defaults, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping

from reacgan_plugin.options import did_you_mean

NOT_GIVEN = 'N/A'  # the reference's word for it
STYLE = 'stylegan2'
DEFAULTS = {
    'DATA': dict(name='CIFAR10', img_size=32, num_classes=10, img_channels=3),
    'MODEL': dict(
        backbone='resnet',
        g_cond_mtd='W/O',
        d_cond_mtd='W/O',
        aux_cls_type='W/O',
        normalize_d_embed=False,
        d_embed_dim=NOT_GIVEN,
        apply_g_sn=False,
        apply_d_sn=False,
        g_act_fn='ReLU',
        d_act_fn='ReLU',
        apply_attn=False,
        attn_g_loc=(),
        attn_d_loc=(),
        z_prior='gaussian',
        z_dim=128,
        w_dim=NOT_GIVEN,
        g_shared_dim=NOT_GIVEN,
        g_conv_dim=64,
        d_conv_dim=64,
        g_depth=NOT_GIVEN,
        d_depth=NOT_GIVEN,
        apply_g_ema=False,
        g_ema_decay=NOT_GIVEN,
        g_ema_start=NOT_GIVEN,
        g_init='ortho',
        d_init='ortho',
        info_type=NOT_GIVEN,
        g_info_injection=NOT_GIVEN,
        info_num_discrete_c=NOT_GIVEN,
        info_num_conti_c=NOT_GIVEN,
        info_dim_discrete_c=NOT_GIVEN,
    ),
    'LOSS': dict(
        adv_loss='vanilla',
        cond_lambda=NOT_GIVEN,
        tac_gen_lambda=NOT_GIVEN,
        tac_dis_lambda=NOT_GIVEN,
        mh_lambda=NOT_GIVEN,
        apply_fm=False,
        fm_lambda=NOT_GIVEN,
        apply_r1_reg=False,
        r1_place=NOT_GIVEN,
        r1_lambda=NOT_GIVEN,
        m_p=NOT_GIVEN,
        temperature=NOT_GIVEN,
        infoGAN_loss_discrete_lambda=NOT_GIVEN,
        infoGAN_loss_conti_lambda=NOT_GIVEN,
        apply_gp=False,
        gp_lambda=10.0,  # as published; the reference has no default that trains
        apply_maxgp=False,
        maxgp_lambda=NOT_GIVEN,
        apply_dra=False,
        dra_lambda=NOT_GIVEN,
        apply_cr=False,
        cr_lambda=NOT_GIVEN,
        apply_bcr=False,
        real_lambda=NOT_GIVEN,
        fake_lambda=NOT_GIVEN,
        apply_zcr=False,
        radius=NOT_GIVEN,
        g_lambda=NOT_GIVEN,
        d_lambda=NOT_GIVEN,
        apply_lecam=False,
        lecam_lambda=NOT_GIVEN,
        lecam_ema_start_iter=NOT_GIVEN,
        lecam_ema_decay=NOT_GIVEN,
        apply_lo=False,
        lo_alpha=NOT_GIVEN,
        lo_beta=NOT_GIVEN,
        lo_rate=NOT_GIVEN,
        lo_lambda=NOT_GIVEN,
        lo_steps4train=NOT_GIVEN,
        lo_steps4eval=NOT_GIVEN,
        apply_topk=False,
        topk_gamma=NOT_GIVEN,
        topk_nu=NOT_GIVEN,
    ),
    'OPTIMIZATION': dict(
        type_='Adam',
        batch_size=64,
        acml_steps=1,
        g_lr=0.0002,
        d_lr=0.0002,
        g_weight_decay=0.0,
        d_weight_decay=0.0,
        momentum=NOT_GIVEN,
        nesterov=NOT_GIVEN,
        alpha=NOT_GIVEN,
        beta1=0.5,
        beta2=0.999,
        d_first=True,
        g_updates_per_step=1,
        d_updates_per_step=5,
        total_steps=100_000,
    ),
    'PRE': dict(apply_rflip=True),
    'AUG': dict(
        cr_aug_type='W/O',
        bcr_aug_type='W/O',
        apply_diffaug=False,
        diffaug_type='W/O',
        apply_ada=False,
        ada_aug_type='W/O',
        ada_initial_augment_p=NOT_GIVEN,
        ada_target=0.6,  # as published, as are the next two and those of APA
        ada_kimg=500,
        ada_interval=4,
        apply_apa=False,
        apa_initial_augment_p=NOT_GIVEN,
        apa_target=0.6,
        apa_kimg=500,
        apa_interval=4,
    ),
    'STYLEGAN': dict(
        g_reg_interval=4,
        d_reg_interval=16,
        mapping_network=8,
        style_mixing_p=0.9,
        g_ema_kimg=NOT_GIVEN,
        g_ema_rampup=NOT_GIVEN,
        apply_pl_reg=False,
        pl_weight=2.0,
        d_architecture='resnet',
        d_epilogue_mbstd_group_size=4,
    ),
    'RUN': {},
}
# switches of techniques that are not built here, by section; each must be off
SWITCHES = {'LOSS': ('apply_wc',)}
# what belongs to those techniques, and to other backbones
SETTINGS = {
    'LOSS': ['wc_bound', 't_start_step', 't_end_step'],
    'STYLEGAN': ['stylegan3_cfg', 'cond_type', 'blur_init_sigma'],
}


def with_defaults(config: Mapping) -> dict[str, dict]:
    """All sections, with the reference's defaults for missing keys."""
    return {
        section: {**defaults, **(config.get(section) or {})}
        for section, defaults in DEFAULTS.items()
    }


def given(**options) -> dict:
    """Options that the config gives; our own defaults stand in for the others."""
    return {k: v for k, v in options.items() if v != NOT_GIVEN}


def value_of(sections: Mapping, key: str):
    """The value of a key, 'MODEL.z_dim'."""
    section, name = key.split('.')
    return sections[section][name]


def needed(sections: Mapping, key: str, *, by: str = 'the config'):
    """The value of a key that must be given, since what is named ``by`` needs it.

    Raises: ValueError when it is not.
    """
    value = value_of(sections, key)
    if value == NOT_GIVEN:
        raise ValueError(f'{key} is not given, and {by} needs it')
    return value


def unknown_keys(config: Mapping) -> list[str]:
    """Keys that the reference does not have, with the nearest that it has."""
    unknown = []
    for section, entries in config.items():
        if section not in DEFAULTS:
            unknown.append(f'{section}{did_you_mean(section, DEFAULTS)}')
            continue
        known = [
            *DEFAULTS[section],
            *SWITCHES.get(section, ()),
            *SETTINGS.get(section, ()),
        ]
        if section != 'RUN':  # command-line switches of a run
            unknown += [
                f'{section}.{key}{did_you_mean(key, known)}'
                for key in entries or {}
                if key not in known
            ]
    return unknown


def switched_on(config: Mapping) -> list[str]:
    """Techniques that the config asks for and that are not built here."""
    return [
        f'{section}.{name}'
        for section, names in SWITCHES.items()
        for name in names
        if (config.get(section) or {}).get(name)
    ]
