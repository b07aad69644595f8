"""Techniques that a StudioGAN config asks for are entries of ours."""

import pytest
import yaml
from studiogan_techniques import ADA, ALONE, STYLEGAN2, built, imported

from reacgan_plugin.config import load_config
from reacgan_plugin.integrations.studiogan.command import import_run
from reacgan_plugin.integrations.studiogan.training import training_config


@pytest.mark.parametrize('sections, entry', ALONE.values(), ids=ALONE)
def test_a_switch_is_an_entry_with_its_values(sections, entry):
    assert imported(**sections) == ([entry], [])
    built(entry)


@pytest.mark.parametrize('sections, entry', ALONE.values(), ids=ALONE)
def test_a_switch_that_is_off_is_no_entry(sections, entry):
    off = {
        section: {k: v is not True and v for k, v in entries.items()}
        for section, entries in sections.items()
    }
    assert imported(**off) == ([], [])


@pytest.mark.parametrize('sections', [s for s, _ in ALONE.values()], ids=ALONE)
def test_a_config_with_a_switch_is_written_and_builds_a_model(sections, tmp_path):
    (tmp_path / 'run.yaml').write_text(yaml.safe_dump(sections))
    import_run(str(tmp_path / 'run.yaml'), {}, str(tmp_path))  # builds it on meta
    [entry] = load_config(str(tmp_path / 'run.py'))[0].to_dict()['model']['techniques']
    assert [entry] == imported(**sections)[0]


TOGETHER = (  # in the order of the entries
    'r1 of StyleGAN2',
    'path length',
    'gp',
    'maxgp',
    'dra',
    'bcr',
    'zcr',
    'lecam',
    'lo',
    'topk',
    'apa',
    'ada',
)


def test_all_that_go_together_are_entries_in_one_order_whatever_that_of_the_keys_is():
    on = {}
    for name in reversed(TOGETHER):
        for section, entries in ALONE[name][0].items():
            on[section] = {**on.get(section, {}), **entries}
    assert imported(**on) == ([ALONE[name][1] for name in TOGETHER], [])


NEEDED = [
    (name, section, key)
    for name, (sections, _) in ALONE.items()
    for section, entries in sections.items()
    for key in entries
    if key.endswith(('_lambda', '_target', '_kimg', '_nu', '_gamma', '_rate'))
    or key in ('radius', 'pl_weight', 'lo_steps4train', 'lecam_ema_decay')
]


@pytest.mark.parametrize('name, section, key', NEEDED)
def test_a_value_that_a_technique_needs_and_is_not_given_is_named(name, section, key):
    sections = ALONE[name][0]
    switch = '(LOSS|AUG|STYLEGAN).apply_'
    for value in ('N/A', '1e-2', True):
        changed = {**sections, section: {**sections[section], key: value}}
        message = f'{section}.{key}(=.* is no number| is not given, and {switch})'
        with pytest.raises(ValueError, match=message):
            training_config(changed)


@pytest.mark.parametrize(
    'name, section, key, value',
    [
        ('cr', 'LOSS', 'cr_lambda', 0),
        ('lecam', 'LOSS', 'lecam_ema_decay', 1.5),
        ('lecam', 'LOSS', 'lecam_ema_start_iter', -1),
        ('topk', 'LOSS', 'topk_nu', 2),
        ('ada', 'AUG', 'ada_initial_augment_p', 1.5),
        ('apa', 'AUG', 'apa_target', -2),
        ('path length', 'STYLEGAN', 'g_reg_interval', 0),
        ('r1 of StyleGAN2', 'STYLEGAN', 'd_reg_interval', 0),
    ],
)
def test_a_value_out_of_range_is_named(name, section, key, value):
    sections = ALONE[name][0]
    changed = {**sections, section: {**sections[section], key: value}}
    message = f'{section}.{key}={value} is out of range'
    with pytest.raises(ValueError, match=message):
        training_config(changed)


def test_values_of_techniques_that_are_off_or_left_out_may_be_missing():
    assert imported(LOSS=dict(cr_lambda='N/A', apply_cr=False)) == ([], [])
    entries, remarks = imported(LOSS=dict(apply_cr=True, cr_lambda='N/A'))
    assert entries == []
    assert len(remarks) == 1


@pytest.mark.parametrize(
    'kind, names',
    [
        ('blit', ['x_flip', 'rotate_90', 'integer_translation']),
        ('filter', ['filtering']),
        ('noise', ['noise']),
        ('cutout', ['cutout']),
    ],
)
def test_a_part_of_adas_transformations_is_a_mapping_of_their_names(kind, names):
    [entry], remarks = imported(AUG={**ADA, 'ada_aug_type': kind})
    assert entry['policy'] == dict.fromkeys(names, 1.0)
    assert remarks == []
    built(entry)


@pytest.mark.parametrize('kind', ['b', 'bg', 'bgc', 'bgcf', 'bgcfn', 'bgcfnc'])
def test_letters_are_policies_of_ada(kind):
    [entry], _ = imported(AUG={**ADA, 'ada_aug_type': kind})
    assert (entry['type'], entry['policy']) == ('ADA', kind)
    built(entry)


def test_parts_together_are_the_policy_of_all_letters():
    policy = {}
    for kind in ('blit', 'geom', 'color', 'filter', 'noise', 'cutout'):
        [entry], _ = imported(AUG={**ADA, 'ada_aug_type': kind})
        assert policy.keys().isdisjoint(entry['policy'])
        policy |= entry['policy']
    [entry], _ = imported(AUG={**ADA, 'ada_aug_type': 'bgcfnc'})
    assert built(entry).multipliers == policy


PUBLISHED = {
    'biggan_reacgan_cifar10_ada.py': dict(
        LOSS=dict(adv_loss='logistic'),
        AUG=dict(
            **ADA,
            ada_initial_augment_p=0,
            ada_target=0.7,
            ada_kimg=500,
            ada_interval=4,
        ),
    ),
    'biggan_reacgan_cifar10_cr.py': dict(
        LOSS=dict(apply_cr=True, cr_lambda=10.0), AUG=dict(cr_aug_type='cr')
    ),
    'biggan_reacgan_cifar10_lecam.py': dict(
        LOSS=dict(
            apply_lecam=True,
            lecam_lambda=0.3,
            lecam_ema_start_iter=1000,
            lecam_ema_decay=0.99,
        ),
    ),
    'stylegan2_reacgan_cifar10_ada.py': dict(
        MODEL=STYLEGAN2,
        LOSS=dict(adv_loss='logistic', apply_r1_reg=True, r1_lambda=0.01),
        AUG=dict(**ADA, ada_target=0.8),
    ),
}


@pytest.mark.parametrize('name, sections', PUBLISHED.items())
def test_techniques_of_our_published_configs_are_the_imported_ones(name, sections):
    ours = load_config(name)[0].to_dict()['model']['techniques']
    theirs, _ = imported(**sections)
    # of augmentations beside penalties the order is ours to choose
    assert sorted(map(repr, map(built, ours))) == sorted(map(repr, map(built, theirs)))
