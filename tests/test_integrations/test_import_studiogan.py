"""A StudioGAN run, YAML file and checkpoints, becomes a run of ours, and goes back."""

import pytest
import torch
from golden_files import load, relative_error
from golden_networks import trained_model
from studiogan_run import FILES, GOLDEN, yaml_file

from reacgan_plugin.checkpoint import read_checkpoint
from reacgan_plugin.config import load_config
from reacgan_plugin.integrations.studiogan import (
    convert_discriminator_state,
    convert_generator_state,
)
from reacgan_plugin.integrations.studiogan.command import run
from reacgan_plugin.integrations.studiogan.training import training_config
from reacgan_plugin.sample import load_model
from reacgan_plugin.train import run as train


def imported(folder, files=FILES, config=None):
    """Folder that a run was imported to."""
    words = [word for name, path in files.items() for word in (name, str(path))]
    out = folder / 'out'
    assert run([str(yaml_file(folder, config)), *words, '--out', str(out)]) == 0
    return out


def original(name):
    return read_checkpoint(FILES[name])


def test_an_imported_generator_makes_the_images_of_the_reference(tmp_path):
    golden, _ = load(f'{GOLDEN}/expected_outputs')
    model, _ = load_model(str(imported(tmp_path) / 'iter_3.pth'))
    image = model(golden['z'], golden['label'])
    assert relative_error(image, golden['G_ema.image']) < 1e-5
    image = model.generator.eval()(golden['z'], golden['label'])
    assert relative_error(image, golden['G.image']) < 1e-5


def test_an_imported_run_goes_on_from_its_step_with_its_optimizers(tmp_path):
    out = imported(tmp_path)
    digits = tmp_path / 'digits.py'
    digits.write_text(
        f"_base_ = ['{out / 'Run.py'}']\n"
        'train_dataloader = dict(_delete_=True, dataset=dict('
        "type='Digits', split='train', pipeline=[dict(type='LoadImage'), "
        "dict(type='Resize', scale=(32, 32), backend='pillow'), "
        "dict(type='PackImage')]))\n"
        'custom_hooks = []\ntotal_batch_size = 8\ntrain_cfg = dict(max_iters=4)\n'
    )
    assert train([str(digits), '--work-dir', str(out), '--resume']) == 0
    content = read_checkpoint(out / 'iter_4.pth')
    assert content['meta']['iter'] == 4
    steps = [
        {int(entry['step']) for entry in state['state'].values()}
        for state in (content['optimizer'][n] for n in ('generator', 'discriminator'))
    ]
    # three iterations of two discriminator updates there, one of five here
    assert steps == [{3 + 1}, {3 * 2 + 5}]


def test_weights_alone_are_loaded_by_load_from(tmp_path):
    out = imported(tmp_path)
    config, _ = load_config(str(out / 'Run.py'))
    assert config.model.loss.type == 'D2DCE'
    state = read_checkpoint(out / 'iter_3.pth')['state_dict']
    theirs = convert_discriminator_state(original('--discriminator')['state_dict'])
    for name, value in theirs.items():
        assert torch.equal(state[f'discriminator.{name}'], value), name


def test_an_imported_model_is_fine_tuned_on_other_classes(tmp_path):
    out = imported(tmp_path)
    pairs = tmp_path / 'pairs.py'
    pairs.write_text(
        f"_base_ = ['{out / 'Run.py'}']\n"
        'train_dataloader = dict(_delete_=True, dataset=dict('
        "type='DigitPairs', split='train', pipeline=[dict(type='LoadImage'), "
        "dict(type='Resize', scale=(32, 32), backend='pillow'), "
        "dict(type='PackImage')]))\n"
        f'load_from = {str(out / "iter_3.pth")!r}\nmodel = dict(num_classes=100)\n'
        'custom_hooks = []\ntotal_batch_size = 8\ntrain_cfg = dict(max_iters=1)\n'
    )
    assert train([str(pairs), '--work-dir', str(tmp_path / 'tuned')]) == 0
    (log,) = (tmp_path / 'tuned').glob('*/*.log')
    assert 'discriminator.head.proxies.weight (10 x ' in log.read_text()
    assert read_checkpoint(tmp_path / 'tuned' / 'iter_1.pth')['meta']['iter'] == 1


@pytest.mark.parametrize(
    'network, convert',
    [
        ('generator', convert_generator_state),
        ('discriminator', convert_discriminator_state),
    ],
)
def test_averages_of_adam_go_to_the_parameters_that_they_belong_to(
    tmp_path, network, convert
):
    # The golden trace ends where these files were saved: our own optimizers, after the
    # same three iterations, hold the same averages.
    golden, metadata = load('trace_bigresnet32small_D2DCE')
    model, optimizers = trained_model(
        'G_bigresnet32small_D2DCE', 'D_bigresnet32small_D2DCE', metadata
    )
    draws = iter(zip(golden['z'].double(), golden['fake_label'], strict=True))
    rows = metadata['batch']
    for iteration in range(metadata['iterations']):
        images = golden[f'real_image.{iteration}'].double().split(rows)
        labels = golden[f'real_label.{iteration}'].split(rows)
        for image, label in zip(images, labels, strict=True):
            model.update_discriminator(image, label, *next(draws), optimizers)
        model.update_generator(*next(draws), optimizers)
    ours = optimizers[network].state_dict()['state']
    content = read_checkpoint(imported(tmp_path) / 'iter_3.pth')
    theirs = content['optimizer'][network]['state']
    assert ours.keys() == theirs.keys()
    names = [name for name, _ in getattr(model, network).named_parameters()]
    for number, entry in theirs.items():
        average = ours[number]['exp_avg']
        assert relative_error(average, entry['exp_avg'], floor=1e-4) < 1e-4, names[
            number
        ]


def test_a_run_goes_back_as_it_came(tmp_path):
    out = imported(tmp_path)
    back = tmp_path / 'back'
    assert run(['--export', str(out / 'iter_3.pth'), '--out', str(back)]) == 0
    for path in FILES.values():
        state = read_checkpoint(path)['state_dict']
        exported = read_checkpoint(back / path.name)['state_dict']
        assert exported.keys() == state.keys()
        assert all(torch.equal(exported[name], state[name]) for name in state)


def test_what_has_no_file_is_said(tmp_path, capsys):
    out = imported(tmp_path, {'--ema': FILES['--ema']})
    text = capsys.readouterr().out
    assert 'generator: no file, a copy of its average' in text
    assert 'discriminator: no file, fresh weights' in text
    state = read_checkpoint(out / 'iter_0.pth')['state_dict']
    name = 'input.parametrizations.weight.original'
    assert torch.equal(state[f'generator.{name}'], state[f'generator_ema.{name}'])


def test_a_config_alone_is_imported_without_a_checkpoint(tmp_path, capsys):
    out = imported(tmp_path, {})
    assert [path.name for path in out.iterdir()] == ['Run.py']
    assert 'checkpoint' not in capsys.readouterr().out


def test_keys_and_techniques_that_are_left_out_are_listed(tmp_path, capsys):
    config = {**load(f'{GOLDEN}/expected_outputs')[1]['config']}
    config['MODEL'] = {**config['MODEL'], 'g_conv_dimm': 3}
    config['LOSS'] = {**config['LOSS'], 'apply_wc': True, 'wc_bound': 0.01}
    out = imported(tmp_path, {}, config)
    text = capsys.readouterr().out
    for words in ("MODEL.g_conv_dimm (did you mean 'g_conv_dim'?)", 'LOSS.apply_wc'):
        assert words in text
        assert words in (out / 'Run.py').read_text()


@pytest.mark.parametrize(
    'section, entries, words',
    [
        ('LOSS', dict(apply_fm=True, fm_lambda=1.0), 'LOSS.apply_fm was left out'),
        ('MODEL', dict(g_init='N02'), 'MODEL.g_init=N02'),
        ('RUN', dict(mixed_precision=True), 'RUN was left out (mixed_precision)'),
    ],
)
def test_settings_without_a_counterpart_are_listed(section, entries, words):
    config = {**load(f'{GOLDEN}/expected_outputs')[1]['config']}
    config[section] = {**config.get(section, {}), **entries}
    _, remarks = training_config(config)
    assert len(remarks) == 1
    assert words in remarks[0]


def test_an_empty_section_has_the_defaults(tmp_path):
    config = {**load(f'{GOLDEN}/expected_outputs')[1]['config'], 'AUG': None}
    assert (imported(tmp_path, {}, config) / 'Run.py').is_file()


def test_what_is_no_checkpoint_of_ours_is_not_exported(tmp_path, capsys):
    words = ['--export', str(FILES['--generator']), '--out', str(tmp_path / 'back')]
    assert run(words) == 2
    assert 'is no checkpoint of reacgan_plugin' in capsys.readouterr().err


def test_an_exported_discriminator_says_what_studiogan_reads_of_a_run(tmp_path):
    out = imported(tmp_path)
    assert run(['--export', str(out / 'iter_3.pth'), '--out', str(tmp_path)]) == 0
    exported = read_checkpoint(tmp_path / FILES['--discriminator'].name)
    theirs = original('--discriminator')
    assert exported.keys() == theirs.keys() - {'optimizer'}
    assert (exported['step'], exported['seed']) == (3, 0)


@pytest.mark.parametrize(
    'section, key, value, message',
    [
        ('OPTIMIZATION', 'type_', 'SGD', "OPTIMIZATION.type_='SGD'.*Adam"),
        ('OPTIMIZATION', 'g_updates_per_step', 2, 'g_updates_per_step=2.*1'),
        ('MODEL', 'backbone', 'stylegan3', "MODEL.backbone='stylegan3'.*stylegan2"),
        ('MODEL', 'g_act_fn', 'ELU', "MODEL.g_act_fn='ELU'.*ReLU"),
        ('MODEL', 'g_cond_mtd', 'cAdaIN', "g_cond_mtd='cAdaIN'.*cBN"),
        ('LOSS', 'adv_loss', 'hing', "adv_loss='hing'.*did you mean 'hinge'"),
        ('LOSS', 'adv_loss', 'MH', "adv_loss='MH' with .*'D2DCE'.*both, or neither"),
        ('MODEL', 'attn_g_loc', ['N/A'], "attn_g_loc=.*'N/A'.*numbers of blocks"),
    ],
)
def test_settings_that_cannot_be_had_here_are_named(
    tmp_path, capsys, section, key, value, message
):
    config = {**load(f'{GOLDEN}/expected_outputs')[1]['config']}
    config[section] = {**config[section], key: value}
    out = tmp_path / 'out'
    assert run([str(yaml_file(tmp_path, config)), '--out', str(out)]) == 2
    with pytest.raises(ValueError, match=message):
        training_config(config)
    assert not out.exists()
    assert key in capsys.readouterr().err


def test_numbers_of_codes_must_be_given():
    config = {**load(f'{GOLDEN}/expected_outputs')[1]['config']}
    codes = dict(info_type='both', g_info_injection='concat', info_num_conti_c=2)
    config['MODEL'] = {**config['MODEL'], **codes}
    with pytest.raises(ValueError, match='MODEL.info_num_discrete_c is not given'):
        training_config(config)


def test_files_that_do_not_fit_leave_nothing_behind(tmp_path, capsys):
    out = tmp_path / 'out'
    words = ['--generator', str(FILES['--discriminator']), '--out', str(out)]
    assert run([str(yaml_file(tmp_path)), *words]) == 2
    assert 'not known: linear1' in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize('content', ['just text', '[1, 2', 'DATA: 3'])
def test_a_file_that_is_no_config_is_named(tmp_path, capsys, content):
    path = tmp_path / 'Run.yaml'
    path.write_text(content)
    assert run([str(path), '--out', str(tmp_path / 'out')]) == 2
    assert str(path) in capsys.readouterr().err
