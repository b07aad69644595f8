"""What is left out of the techniques of a StudioGAN config, and what is assumed."""

import pytest
from studiogan_techniques import ADA, BCR, LOGAN, TOP_K, imported


@pytest.mark.parametrize('kind', ['diffaug', 'simclr', 'simclr_basic'])
def test_diffaugment_stands_in_for_what_ada_cannot_adapt(kind):
    aug = {**ADA, 'ada_aug_type': kind, 'apply_diffaug': True}
    entries, remarks = imported(AUG={**aug, 'diffaug_type': 'diffaug'})
    assert entries == [dict(type='DiffAugment')]
    assert [remark.split()[0] for remark in remarks] == [
        'AUG.apply_diffaug',
        f'AUG.ada_aug_type={kind}',
    ]


@pytest.mark.parametrize(
    'sections, message',
    [
        (
            dict(LOSS=dict(apply_cr=True), AUG=dict(cr_aug_type='diffaug')),
            "LOSS.apply_cr was left out: AUG.cr_aug_type='diffaug' is not built here",
        ),
        (
            dict(LOSS=dict(apply_bcr=True)),
            "LOSS.apply_bcr was left out: AUG.bcr_aug_type='W/O' is not built here",
        ),
        (
            dict(AUG=dict(apply_diffaug=True, diffaug_type='simclr_hq')),
            "AUG.apply_diffaug was left out: AUG.diffaug_type='simclr_hq' is not built",
        ),
        (
            dict(AUG=dict(apply_ada=True, ada_aug_type='byol')),
            "AUG.apply_ada was left out: AUG.ada_aug_type='byol' is not built here",
        ),
        (
            dict(LOSS=dict(adv_loss='wasserstein'), AUG=ADA),
            'AUG.apply_ada was left out: it reads the sign of D(x), which means',
        ),
        (
            dict(LOSS=dict(adv_loss='least_square'), AUG=dict(apply_apa=True)),
            'AUG.apply_apa was left out: it reads the sign of D(x), which means',
        ),
        (
            dict(STYLEGAN=dict(apply_pl_reg=True)),
            "STYLEGAN.apply_pl_reg was left out: MODEL.backbone='resnet' has no styles",
        ),
        (dict(LOSS=dict(apply_wc=True)), 'LOSS.apply_wc was left out: this technique'),
    ],
)
def test_what_cannot_be_had_is_left_out_with_a_remark(sections, message):
    entries, remarks = imported(**sections)
    assert entries == []
    assert len(remarks) == 1
    assert remarks[0].startswith(message)


def test_a_strength_that_stays_is_taken_under_any_loss():
    entries, remarks = imported(
        LOSS=dict(adv_loss='wasserstein'), AUG=dict(**ADA, ada_target=None)
    )
    assert [entry['type'] for entry in entries] == ['ADA']
    assert remarks == []


def test_of_two_that_would_do_the_same_one_is_taken():
    entries, remarks = imported(
        LOSS=dict(**BCR, apply_cr=True),
        AUG=dict(
            cr_aug_type='cr',
            bcr_aug_type='bcr',
            apply_diffaug=True,
            diffaug_type='diffaug',
            **ADA,
        ),
    )
    assert [entry['type'] for entry in entries] == [
        'BalancedConsistencyRegularisation',
        'ADA',
    ]
    assert remarks == [
        'LOSS.apply_cr was left out: LOSS.apply_bcr takes its place',
        'AUG.apply_diffaug was left out: AUG.apply_ada takes its place',
    ]


def test_what_is_left_out_itself_takes_no_place():
    entries, _ = imported(
        LOSS=dict(**BCR, apply_cr=True, cr_lambda=1, adv_loss='wasserstein'),
        AUG=dict(cr_aug_type='cr', apply_diffaug=True, diffaug_type='diffaug', **ADA),
    )
    assert [entry['type'] for entry in entries] == [
        'ConsistencyRegularisation',
        'DiffAugment',
    ]


@pytest.mark.parametrize(
    'name, images',
    [('CIFAR100', 50_000), ('Tiny_ImageNet', 100_000), ('ImageNet', 1_281_167)],
)
def test_top_k_counts_epochs_of_the_data_set(name, images):
    optimization = dict(batch_size=256, d_updates_per_step=2)
    [entry], remarks = imported(
        DATA=dict(name=name), LOSS=TOP_K, OPTIMIZATION=optimization
    )
    assert entry['interval'] == images // 512
    assert remarks == []


def test_epochs_of_a_data_set_of_unknown_size_are_said_to_be_assumed():
    [entry], remarks = imported(DATA=dict(name='Mine'), LOSS=TOP_K)
    assert entry['interval'] == 50_000 // (64 * 5)
    assert remarks == [
        'LOSS.apply_topk: how many images Mine has is not known here; its interval is '
        'set to 156 iterations, an epoch of 50000 images'
    ]


def test_an_epoch_is_an_iteration_at_least():
    [entry], _ = imported(LOSS=TOP_K, OPTIMIZATION=dict(batch_size=100_000))
    assert entry['interval'] == 1


def test_steps_of_latent_optimisation_that_differ_are_said():
    steps = dict(lo_steps4train=2, lo_steps4eval=10)
    [entry], remarks = imported(LOSS={**LOGAN, **steps})
    assert entry['steps'] == 2
    assert [remark.split(':')[0] for remark in remarks] == [
        'LOSS.lo_steps4train=2',
        'LOSS.lo_steps4eval was left out',
    ]
