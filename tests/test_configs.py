"""Every config loads, names components that exist, and builds its networks."""

import functools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_files import load
from mmcv.transforms import Resize
from mmengine.config import Config
from mmengine.hooks import IterTimerHook
from tiny_runs import ROOT

from reacgan_plugin import D2DCELoss, registry
from reacgan_plugin.config import (
    checkpoint_config,
    config_json,
    configs_folder,
    load_config,
)
from reacgan_plugin.config_checks import check_types
from reacgan_plugin.gan.networks import (
    build_discriminator,
    build_generator,
    check_sizes,
)
from reacgan_plugin.gan.technique import Technique
from reacgan_plugin.layers import spectral_norm
from reacgan_plugin.registry import MODELS, build

CONFIGS = sorted(path.name for path in (ROOT / 'configs').glob('*.py'))
LAYOUTS = {  # golden files with the shapes of the published networks
    'biggan_reacgan_cifar10': 'CIFAR10_ReACGAN',
    'biggan_reacgan_cifar10_adc': 'CIFAR10_ReACGAN-ADC',
    'biggan_reacgan_cifar10_tac': 'CIFAR10_ReACGAN-TAC',
    'biggan_deep_reacgan_cifar10': 'CIFAR10_ReACGAN-Deep',
    'biggan_reacgan_baby_imagenet': 'Baby_ImageNet_ReACGAN',
    'biggan_reacgan_cub200': 'CUB200_ReACGAN',
    'biggan_reacgan_imagenet_2048': 'ImageNet_ReACGAN-2048',
    'resnet_sngan_cifar10': 'CIFAR10_SNGAN',
}
LOGGED = {  # millions of parameters of the generator, as the published logs have them
    'biggan_reacgan_tiny_imagenet': 17.3,
    'biggan_reacgan_imagenet': 70.4,
    'stylegan2_reacgan_cifar10': 20.2,
}
RIVALS = ('acgan', 'projgan', 'contragan', 'tacgan', 'adcgan', 'mhgan')
DATASETS = (
    'cifar10',
    'cifar100',
    'cub200',
    'tiny_imagenet',
    'baby_imagenet',
    'papa_imagenet',
    'grandpa_imagenet',
    'imagenet',
)


@functools.cache
def counts(generator: str, discriminator: str, loss: str, classes: int):
    """Parameters of both networks, from configs as JSON; many configs share them."""
    with torch.device('meta'):
        built = build_generator(json.loads(generator), classes)
        judge, _ = build_discriminator(
            json.loads(discriminator), json.loads(loss), classes
        )
    check_sizes(built, judge)
    return [sum(p.numel() for p in net.parameters()) for net in (built, judge)]


def counts_of(name: str):
    model = load_config(name)[0].to_dict()['model']
    if 'weights' in model['discriminator']:
        model['discriminator']['weights'] = None  # no numbers to load on meta
    parts = (model['generator'], model['discriminator'], model['loss'])
    return counts(*map(json.dumps, parts), model['num_classes'])


@pytest.mark.parametrize('name', CONFIGS)
def test_config_names_components_that_exist(name):
    config, _ = load_config(name)
    check_types(config)
    assert set(config.optim_wrapper) == {'constructor', 'generator', 'discriminator'}
    assert config.total_batch_size % config.model.get('accumulation', 1) == 0
    assert config.train_cfg.max_iters > 0


@pytest.mark.parametrize('name', CONFIGS)
def test_config_builds_its_networks(name, monkeypatch):
    monkeypatch.setattr(spectral_norm, 'WARM_UP', 0)  # no numbers, nothing to settle
    found = counts_of(name)
    stem = name.removesuffix('.py')
    if stem in LAYOUTS:
        layout = load(f'layout_{LAYOUTS[stem]}')[1]
        assert found == [layout['G_params'], layout['D_params']]
    if stem in LOGGED:
        assert found[0] / 1e6 == pytest.approx(LOGGED[stem], rel=5e-3)


@pytest.mark.parametrize('name', CONFIGS)
def test_config_builds_its_techniques(name):
    model = load_config(name)[0].model
    for technique in model.get('techniques', []):
        assert isinstance(build(MODELS, technique), Technique)


@pytest.mark.parametrize('rival', RIVALS)
@pytest.mark.parametrize('dataset', DATASETS)
def test_a_rival_differs_from_reacgan_in_its_loss_alone(dataset, rival):
    ours, theirs = (
        load_config(f'biggan_{method}_{dataset}.py')[0].to_dict()
        for method in ('reacgan', rival)
    )
    assert ours['model'].pop('loss') != theirs['model'].pop('loss')
    assert ours == theirs


def test_published_set_ups_have_the_formula_they_were_trained_with():
    ours = ('digits', 'r3gan')  # published by nobody
    named = [
        name
        for name in CONFIGS
        if '_reacgan_' in name and not any(part in name for part in ours)
    ]
    assert len(named) > 15
    for name in named:
        loss = load_config(name)[0].model.loss
        assert loss.get('method', loss).formula == 'studiogan', name


def test_a_config_of_ours_is_a_base_by_its_package_name(tmp_path):
    mine = tmp_path / 'mine.py'
    mine.write_text("_base_ = 'reacgan_plugin::biggan_reacgan_cifar10.py'\nseed = 3\n")
    config, _ = load_config(str(mine))
    assert config.model.loss.type == 'D2DCE'
    assert config.seed == 3


def test_data_root_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv('IMAGENET_TRAIN', '/somewhere/train')
    config, _ = load_config('biggan_reacgan_imagenet.py')
    assert config.train_dataloader.dataset.data_root == '/somewhere/train'


def test_a_type_override_drops_the_settings_of_the_other_type():
    overrides = {'model.loss.type': 'AC', 'model.loss.normalize': 'both'}
    config, remarks = load_config('biggan_reacgan_cifar10.py', overrides)
    assert dict(config.model.loss) == {'type': 'AC', 'normalize': 'both'}
    assert len(remarks) == 1
    assert 'embed_dim, formula, loss_weight, margin, temperature' in remarks[0]


def test_a_type_override_that_changes_nothing_drops_nothing():
    overrides = {'model.loss.type': 'D2DCE'}
    config, remarks = load_config('biggan_reacgan_cifar10.py', overrides)
    assert config.model.loss.embed_dim == 512
    assert remarks == []


def test_a_type_override_reaches_into_lists():
    key = 'train_dataloader.dataset.pipeline.1.type'
    config, remarks = load_config(
        'biggan_reacgan_cifar10.py', {key: 'CenterCropSquare'}
    )
    assert dict(config.train_dataloader.dataset.pipeline[1]) == {
        'type': 'CenterCropSquare'
    }
    assert "'RandomFlip' dropped: prob" in remarks[0]


def test_a_new_entry_is_added_by_an_override():
    overrides = {'param_scheduler.type': 'LinearLR', 'param_scheduler.end': 9}
    config, remarks = load_config('biggan_reacgan_cifar10.py', overrides)
    assert dict(config.param_scheduler) == {'type': 'LinearLR', 'end': 9}
    assert remarks == []


def test_the_config_in_a_checkpoint_is_data_that_is_never_executed(tmp_path):
    config, _ = load_config('biggan_reacgan_digits.py')
    config.harmful = "__import__('os').system('false')"
    config.klass = dict
    path = tmp_path / 'checkpoint.pth'
    torch.save({'meta': {'config': config_json(config)}}, path)
    read = checkpoint_config(path)
    assert read.harmful == config.harmful
    assert read.klass == 'builtins.dict'
    assert read.model.loss.to_dict() == config.model.loss.to_dict()


@pytest.mark.parametrize('kind', ['os.system', 'subprocess.Popen', 'builtins.eval'])
@pytest.mark.parametrize('place', ['model', 'model.loss', 'custom_hooks.0'])
def test_a_checkpoint_cannot_name_what_no_registry_has(tmp_path, kind, place):
    config, _ = load_config('biggan_reacgan_digits.py', {f'{place}.type': kind})
    path = tmp_path / 'checkpoint.pth'
    torch.save({'meta': {'config': config_json(config)}}, path)
    with pytest.raises(ValueError, match=f"type='{kind}', which no registry has"):
        checkpoint_config(path)
    checkpoint_config(path, trust_imports=True)


def test_classes_in_a_config_are_kept_by_their_registered_names():
    config, _ = load_config('biggan_reacgan_digits.py')
    config.model.loss.type = D2DCELoss
    assert json.loads(config_json(config))['model']['loss']['type'] == 'D2DCE'


@pytest.mark.parametrize(
    'kind, name',
    [
        (torch.optim.Adam, 'Adam'),
        (Resize, 'Resize'),
        (IterTimerHook, 'IterTimerHook'),
        (json.dumps, 'json.dumps'),
    ],
)
def test_classes_of_mmengine_and_mmcv_are_kept_by_their_names_there(kind, name):
    kept = json.loads(config_json(Config(dict(kind=[kind]))))
    assert kept == {'kind': [name]}


def test_classes_that_a_config_imports_are_kept_by_their_names_too(tmp_path):
    path = tmp_path / 'imports.py'
    path.write_text(
        'import torch\nfrom torch.optim import SGD\n'
        'one = dict(type=torch.optim.Adam, lr=1.0)\nseveral = [dict(type=SGD), SGD]\n'
    )
    config, _ = load_config(str(path))
    assert json.loads(config_json(config)) == {
        'one': {'type': 'Adam', 'lr': 1.0},
        'several': [{'type': 'SGD'}, 'SGD'],
    }


def test_a_class_behind_another_of_its_name_is_kept_with_its_scope(monkeypatch):
    monkeypatch.setitem(registry.TRANSFORMS.module_dict, 'Resize', D2DCELoss)
    kept = json.loads(config_json(Config(dict(kind=Resize))))
    assert kept == {'kind': 'mmengine.Resize'}


def test_a_class_as_a_type_comes_back_from_a_checkpoint_without_trust(tmp_path):
    config, _ = load_config('biggan_reacgan_digits.py')
    config.optim_wrapper.generator.optimizer = dict(type=torch.optim.Adam, lr=1e-3)
    path = tmp_path / 'checkpoint.pth'
    torch.save({'meta': {'config': config_json(config)}}, path)
    read = checkpoint_config(path)
    assert read.optim_wrapper.generator.optimizer.type == 'Adam'
    check_types(read)


@pytest.mark.parametrize(
    'value, kept',
    [
        (Path('data', 'birds'), 'data/birds'),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        ((1, None, True), [1, None, True]),
    ],
)
def test_values_that_are_nearly_plain_are_kept_as_plain_ones(value, kept):
    config = Config(dict(some=dict(listed=[value])))
    found = json.loads(config_json(config))
    assert found == {'some': {'listed': [kept]}}


def test_what_no_checkpoint_can_keep_is_an_error_that_names_it():
    config, _ = load_config('biggan_reacgan_digits.py')
    config.custom_hooks = [dict(setting=torch.ones(1))]
    message = r'custom_hooks\.0\.setting=tensor.*which no checkpoint can keep'
    with pytest.raises(ValueError, match=message):
        config_json(config)


def test_our_configs_are_found_in_a_checkout():
    assert (configs_folder() / 'biggan_reacgan_digits.py').is_file()


@pytest.mark.parametrize(
    'key, kind, message',
    [
        ('dataset', 'Digit', r"dataset\.dataset.*'Digits'"),
        ('features', 'BigGANDiskriminator', r"\.features.*'BigGANDiscriminator'"),
    ],
)
def test_a_wrong_name_inside_a_selection_is_named_by_its_key(key, kind, message):
    config, _ = load_config('biggan_reacgan_digits.py')
    loader = config.train_dataloader
    inner = {'dataset': loader.dataset, key: dict(type=kind)}
    loader.dataset = dict(type='InstanceSelection', **inner)
    with pytest.raises(ValueError, match=message):
        check_types(config)
