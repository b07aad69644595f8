"""States of techniques in StudioGAN's discriminator files go into our checkpoints."""

import json

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from reacgan_plugin.checkpoint import read_checkpoint
from reacgan_plugin.integrations.studiogan import (
    build_networks,
    export_discriminator_state,
    export_generator_state,
    networks,
)
from reacgan_plugin.integrations.studiogan.command import run
from reacgan_plugin.integrations.studiogan.files import export_files
from reacgan_plugin.integrations.studiogan.technique_states import (
    import_technique_states,
)
from reacgan_plugin.techniques import ADA, APA, DiffAugment, LeCam
from reacgan_plugin.train import run as train

STEP = 20
CONFIG = dict(
    DATA=dict(name='Mine', img_size=8, num_classes=10),
    MODEL=dict(
        backbone='stylegan2',
        g_cond_mtd='cAdaIN',
        d_cond_mtd='D2DCE',
        g_act_fn='Auto',
        d_act_fn='Auto',
        d_embed_dim=8,
        z_dim=8,
        w_dim=8,
        apply_g_ema=True,
    ),
    LOSS=dict(
        adv_loss='logistic',
        cond_lambda=0.5,
        m_p=0.98,
        temperature=0.5,
        apply_lecam=True,
        lecam_lambda=0.3,
        lecam_ema_start_iter=10,
        lecam_ema_decay=0.99,
    ),
    OPTIMIZATION=dict(batch_size=4, d_updates_per_step=1),
    AUG=dict(apply_ada=True, ada_aug_type='bgc', ada_interval=100),
    STYLEGAN=dict(
        apply_pl_reg=True,
        g_reg_interval=4,
        d_reg_interval=4,
        mapping_network=2,
        d_epilogue_mbstd_group_size=4,
        g_ema_kimg=10,
    ),
)
EVERYTHING = {  # that goes together
    'LOSS': dict(
        apply_r1_reg=True,
        r1_lambda=0.01,
        apply_gp=True,
        apply_maxgp=True,
        maxgp_lambda=0.1,
        apply_dra=True,
        dra_lambda=0.1,
        apply_bcr=True,
        real_lambda=1.0,
        fake_lambda=1.0,
        apply_zcr=True,
        radius=0.05,
        g_lambda=0.5,
        d_lambda=20,
        apply_lo=True,
        lo_alpha=0.9,
        lo_beta=0.1,
        lo_rate=0.8,
        lo_lambda=0.1,
        lo_steps4train=1,
        apply_topk=True,
        topk_gamma=0.9,
        topk_nu=0.5,
    ),
    'AUG': dict(bcr_aug_type='bcr', apply_apa=True, apa_initial_augment_p=0.5),
}
DATA = (
    'train_dataloader = dict(_delete_=True, dataset=dict('
    "type='Digits', split='train', pipeline=[dict(type='LoadImage'), "
    "dict(type='Resize', scale=(8, 8), backend='pillow'), "
    "dict(type='PackImage')]))\n"
)


@pytest.fixture(autouse=True)
def _narrow(monkeypatch):
    """Networks of the least width, which a config cannot ask for."""
    monkeypatch.setattr(networks, '_channel_base', lambda data: 64)


def with_everything() -> dict:
    more = {k: {**CONFIG[k], **entries} for k, entries in EVERYTHING.items()}
    return {**CONFIG, **more}


def files_of(folder, config, **state) -> list[str]:
    """StudioGAN's files of a run, as words for the import."""
    generator, discriminator = build_networks(config)
    contents = {
        'generator': dict(state_dict=export_generator_state(generator.state_dict())),
        'discriminator': dict(
            state_dict=export_discriminator_state(discriminator.state_dict()),
            step=STEP,
            **state,
        ),
    }
    words = []
    for name, content in contents.items():
        torch.save(content, folder / f'{name}.pth')
        words += [f'--{name}', str(folder / f'{name}.pth')]
    return words


def imported(folder, config, *words):
    """Folder that a run was imported to."""
    (folder / 'Run.yaml').write_text(yaml.safe_dump(config))
    out = folder / 'out'
    assert run([str(folder / 'Run.yaml'), *words, '--out', str(out)]) == 0
    return out


def trained(out, iterations, *flags) -> dict:
    """The last checkpoint of an imported run, on digits."""
    config = out.parent / 'digits.py'
    config.write_text(
        f"_base_ = ['{out / 'Run.py'}']\n{DATA}custom_hooks = []\n"
        'default_hooks = dict(logger=dict(interval=1))\n'
        f'train_cfg = dict(max_iters={iterations})\n'
    )
    assert train([str(config), '--work-dir', str(out), *flags]) == 0
    return read_checkpoint(out / f'iter_{iterations}.pth')


def test_states_of_techniques_are_exported_and_come_back(tmp_path):
    emas = dict(D_real=4.0, D_fake=-4.0)
    words = files_of(tmp_path, CONFIG, aa_p=0.375, lecam_emas=emas)
    out = imported(tmp_path, CONFIG, *words)
    paths = export_files(out / f'iter_{STEP}.pth', tmp_path / 'exported')
    (path,) = (path for path in paths if 'model=D-' in path.name)
    content = read_checkpoint(path)
    assert content['aa_p'] == 0.375
    assert content['lecam_emas'] == emas


def test_a_run_with_states_of_techniques_resumes_with_them(tmp_path, capsys):
    emas = dict(D_real=4.0, D_fake=-4.0, decay=0.99, start_itr=10)
    words = files_of(tmp_path, CONFIG, aa_p=np.float64(0.37), lecam_emas=emas)
    out = imported(tmp_path, CONFIG, *words)
    said = capsys.readouterr().out
    assert 'no strength' not in said
    assert 'no averages' not in said
    path_length, lecam, ada = 'techniques.0.', 'techniques.1.', 'techniques.2.adaptive.'
    first = read_checkpoint(out / f'iter_{STEP}.pth')['state_dict']
    assert first[path_length + 'mean'] == 0
    assert first[lecam + 'averages'].tolist() == [4, -4]
    assert first[lecam + 'begun'] == 1
    assert first[ada + 'strength'] == torch.tensor(0.37)
    content = trained(out, STEP + 1, '--resume')
    second = content['state_dict']
    assert content['meta']['iter'] == STEP + 1
    assert second.keys() == first.keys()
    assert second[path_length + 'mean'] > 0
    assert second[lecam + 'averages'].abs().min() > 3.5  # of networks that say about 0
    assert second[ada + 'strength'] == torch.tensor(0.37)
    assert second[ada + 'sign_count'] == 4


def test_a_config_with_every_technique_that_goes_together_trains(tmp_path):
    out = imported(tmp_path, with_everything())
    content = trained(out, 2)
    logged = {name.rpartition('/')[2] for name in content['history']}
    assert logged >= {
        'loss_r1',
        'loss_path_length',
        'loss_gradient_penalty',
        'loss_max_gradient_penalty',
        'loss_dragan',
        'loss_consistency',
        'loss_consistency_fake',
        'loss_latent_consistency',
        'loss_transport',
    }
    assert {'train/apa/strength', 'train/ada/strength'} <= content['history'].keys()
    for name, value in content['state_dict'].items():
        if isinstance(value, torch.Tensor):
            assert value.isfinite().all(), name


def states(*techniques: nn.Module, **content) -> list[str]:
    return import_technique_states(techniques, content, 'D.pth')


@pytest.mark.parametrize(
    'found', [0.25, np.float64(0.25), torch.tensor(0.25), torch.tensor([0.25])]
)
def test_one_strength_is_that_of_ada_and_apa(found):
    ada, apa = ADA(), APA(strength=0.5)
    assert states(ada, DiffAugment(), apa, aa_p=found) == []
    assert (ada.strength, apa.strength) == (0.25, 0.25)


def test_early_versions_have_another_name_for_the_strength():
    ada = ADA()
    assert states(ada, ada_p=1) == []
    assert ada.strength == 1


@pytest.mark.parametrize('content', [{}, dict(aa_p='N/A'), dict(aa_p=None)])
def test_a_file_without_strength_leaves_that_of_the_config(content):
    ada = ADA(strength=0.5)
    assert states(ada, **content) == ['ADA: D.pth has no strength, it starts anew']
    assert ada.strength == 0.5


@pytest.mark.parametrize('found', [1.5, -0.1, float('nan'), 'much', torch.ones(2)])
def test_a_strength_that_is_no_probability_is_named(found):
    with pytest.raises(ValueError, match='D.pth: aa_p=.* is no probability'):
        states(ADA(), aa_p=found)


@pytest.mark.parametrize(
    'emas', [None, {}, dict(D_real=7777, D_fake=7777), dict(D_real=1.0)]
)
def test_averages_that_never_moved_are_none(emas):
    lecam = LeCam()
    expected = ['LeCam: D.pth has no averages, they start anew']
    assert states(lecam, lecam_emas=emas) == expected
    assert lecam.begun == 0


def test_techniques_without_a_state_ask_for_none():
    assert states(DiffAugment()) == []


def test_a_run_on_grey_images_is_not_exported(tmp_path):
    config = json.dumps(dict(model=dict(image_channels=1)))
    checkpoint = dict(meta=dict(config=config), state_dict={})
    torch.save(checkpoint, tmp_path / 'grey.pth')
    with pytest.raises(ValueError, match='model.image_channels=1; StudioGAN'):
        export_files(tmp_path / 'grey.pth', tmp_path / 'exported')
    assert not (tmp_path / 'exported').exists()
