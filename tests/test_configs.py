"""Every config loads, names components that exist, and builds its networks."""

import json

import pytest
import torch
from tiny_runs import ROOT

from reacgan_plugin import D2DCELoss, registry
from reacgan_plugin.config import (
    check_types,
    checkpoint_config,
    config_json,
    configs_folder,
    load_config,
)

CONFIGS = sorted(path.name for path in (ROOT / 'configs').glob('*.py'))
PUBLISHED = {  # generator and discriminator parameters, the published logs' in millions
    'biggan_reacgan_cifar10.py': (9.42, 2.52),
    'biggan_reacgan_imagenet.py': (70.4, None),
}


@pytest.mark.parametrize('name', CONFIGS)
def test_config_builds_its_networks(name):
    config, _ = load_config(name)
    check_types(config)
    with torch.device('meta'):
        generator = registry.build(
            registry.MODELS,
            config.model.generator,
            num_classes=config.model.num_classes,
        )
        backbone = registry.build(registry.MODELS, config.model.discriminator)
        loss, head = registry.build_conditioning(
            config.model.loss, backbone.out_channels, config.model.num_classes
        )
    assert generator.size == backbone.size
    parts = [generator.parameters(), [*backbone.parameters(), *head.parameters()]]
    counts = [sum(p.numel() for p in part) / 1e6 for part in parts]
    for count, published in zip(counts, PUBLISHED.get(name, ()), strict=False):
        assert published is None or count == pytest.approx(published, rel=5e-3)


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
    with pytest.raises(ValueError, match=f'names {kind}, which no registry has'):
        checkpoint_config(path)
    checkpoint_config(path, trust_imports=True)


def test_classes_in_a_config_are_kept_by_their_registered_names():
    config, _ = load_config('biggan_reacgan_digits.py')
    config.model.loss.type = D2DCELoss
    assert json.loads(config_json(config))['model']['loss']['type'] == 'D2DCE'


def test_what_no_checkpoint_can_keep_is_an_error_that_names_it():
    config, _ = load_config('biggan_reacgan_digits.py')
    config.model.loss.margin = torch.ones(1)
    with pytest.raises(ValueError, match='tensor.*which no checkpoint can keep'):
        config_json(config)


def test_our_configs_are_found_in_a_checkout():
    assert (configs_folder() / 'biggan_reacgan_digits.py').is_file()
