"""Settings of a StudioGAN run with StyleGAN2, as a config of ours."""

import pytest

from reacgan_plugin.config import load_config
from reacgan_plugin.integrations.studiogan.training import training_config

STYLEGAN2 = dict(
    DATA=dict(name='CIFAR10', img_size=32, num_classes=10),
    MODEL=dict(
        backbone='stylegan2',
        g_cond_mtd='cAdaIN',
        d_cond_mtd='D2DCE',
        g_act_fn='Auto',
        d_act_fn='Auto',
        normalize_d_embed=True,
        d_embed_dim=512,
        z_dim=512,
        w_dim=512,
        apply_g_ema=True,
        g_ema_decay='N/A',
        g_ema_start='N/A',
    ),
    LOSS=dict(
        adv_loss='logistic',
        cond_lambda=0.25,
        m_p=0.98,
        temperature=0.25,
        apply_r1_reg=True,
        r1_place='outside_loop',
        r1_lambda=0.01,
    ),
    OPTIMIZATION=dict(
        batch_size=64, g_lr=0.0025, d_lr=0.0025, beta1=0, beta2=0.99, d_first=False
    ),
    STYLEGAN=dict(
        g_reg_interval=4,
        d_reg_interval=16,
        mapping_network=2,
        style_mixing_p=0,
        g_ema_kimg=500,
        g_ema_rampup=0.05,
        d_architecture='orig',
        d_epilogue_mbstd_group_size=32,
    ),
)


def test_stylegan2_has_its_penalties_average_and_lazy_rates():
    config, remarks = training_config(STYLEGAN2)
    model = config['model']
    assert model['generator']['type'] == 'StyleGAN2Generator'
    assert model['generator']['mapping_layers'] == 2
    assert model['discriminator']['stddev_group'] == 32
    assert model['techniques'] == [dict(type='R1', weight=0.01, interval=16)]
    assert model['ema'] == dict(half_life=500, ramp_up=0.05)
    adam = config['optim_wrapper']['generator']['optimizer']
    assert adam['lr'] == pytest.approx(0.002)
    assert adam['betas'] == pytest.approx((0.0, 0.99**0.8))
    assert adam['eps'] == 1e-8
    assert [remark.split(':')[0] for remark in remarks] == [
        'LOSS.r1_place',
        'OPTIMIZATION.d_first=False',
    ]


def test_our_published_stylegan2_config_is_the_imported_one():
    theirs, _ = training_config(
        {
            **STYLEGAN2,
            'OPTIMIZATION': {
                **STYLEGAN2['OPTIMIZATION'],
                'd_updates_per_step': 2,
                'total_steps': 200_000,
            },
        }
    )
    ours = load_config('stylegan2_reacgan_cifar10.py')[0].to_dict()
    for key in ('total_batch_size', 'train_cfg'):
        assert ours[key] == theirs[key], key
    for key in ('loss', 'techniques', 'adversarial_loss', 'd_updates', 'ema'):
        assert ours['model'][key] == theirs['model'][key], key
    for network in ('generator', 'discriminator'):
        mine, adam = (c['optim_wrapper'][network]['optimizer'] for c in (ours, theirs))
        assert mine['lr'] == pytest.approx(adam['lr'])
        assert mine['betas'] == pytest.approx(adam['betas'])
