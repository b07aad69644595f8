"""The guides' code is code that runs: their files are written out and used."""

import importlib
import re

import pytest
import torch
from tiny_runs import ROOT

from reacgan_plugin import techniques
from reacgan_plugin.config import load_config
from reacgan_plugin.config_checks import check_types
from reacgan_plugin.registry import build_conditioning
from reacgan_plugin.train import run

TINY = (
    'total_batch_size=4',
    'train_cfg.max_iters=2',
    'custom_hooks=[]',
    'default_hooks.logger.interval=1',
)
SMALL_GENERATOR = (
    'model.generator.base_channels=2',
    'model.generator.z_dim=8',
    'model.generator.shared_dim=4',
)
SMALL_DISCRIMINATOR = ('model.discriminator.base_channels=4',)
CONFIGS = [
    ('add_a_conditioning', 'my_config.py', SMALL_GENERATOR + SMALL_DISCRIMINATOR),
    ('techniques', 'my_config.py', SMALL_GENERATOR + SMALL_DISCRIMINATOR),
    ('add_a_backbone', 'my_config.py', SMALL_GENERATOR),
    ('add_a_backbone', 'my_module_config.py', SMALL_GENERATOR),
    ('add_a_backbone', 'my_timm_config.py', SMALL_GENERATOR),
    ('add_a_backbone', 'my_projected_config.py', SMALL_GENERATOR),
    ('add_a_backbone', 'my_generator_config.py', SMALL_DISCRIMINATOR),
]


def written_out(guide: str, folder) -> list[str]:
    """Write the guide's blocks to the files that their first lines name."""
    text = (ROOT / 'docs' / f'{guide}.md').read_text()
    blocks = re.findall(r'```python\n# (\w+\.py)\n(.*?)```', text, flags=re.DOTALL)
    assert len(blocks) == text.count('```python')
    for name, code in blocks:
        (folder / name).write_text(code)
    return [name for name, _ in blocks]


@pytest.mark.parametrize('guide, config, options', CONFIGS)
def test_a_config_of_a_guide_trains(tmp_path, monkeypatch, guide, config, options):
    assert config in written_out(guide, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    words = [str(tmp_path / config), '--work-dir', str(tmp_path / 'work')]
    assert run([*words, '--cfg-options', *TINY, *options]) == 0
    assert (tmp_path / 'work' / 'iter_2.pth').is_file()


def test_the_guide_to_techniques_has_all_of_them_and_their_config_loads(tmp_path):
    text = (ROOT / 'docs' / 'techniques.md').read_text()
    for name in techniques.__all__:
        assert f'\n| `{name}` |' in text
        assert f'{{{name}}}' not in text  # a figure that nobody filled in
    assert 'with_techniques.py' in written_out('techniques', tmp_path)
    config, _ = load_config(str(tmp_path / 'with_techniques.py'))
    check_types(config)
    assert [t.type for t in config.model.techniques] == ['R1', 'DiffAugment', 'LeCam']


def test_the_config_of_the_guide_to_fine_tuning_loads(tmp_path):
    assert written_out('fine_tuning', tmp_path) == ['flowers.py']
    config, _ = load_config(str(tmp_path / 'flowers.py'))
    check_types(config)
    assert config.load_from.endswith('.pth') and config.model.num_classes == 3


def test_the_loop_of_the_guide_to_conditionings_runs(tmp_path, monkeypatch):
    assert 'my_loop.py' in written_out('add_a_conditioning', tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    terms = importlib.import_module('my_loop').terms
    assert terms['loss_conditioning'] > 0


def test_the_conditioning_of_the_guide_can_be_wrapped(tmp_path, monkeypatch):
    written_out('add_a_conditioning', tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module('my_conditioning')
    twin, doubled = (
        build_conditioning(dict(type=kind, method=dict(type='CosineSoftmax')), 6, 3)[1]
        for kind in ('TAC', 'ADC')
    )
    features, label = torch.randn(2, 6), torch.tensor([0, 2])
    assert twin(features, label).twin.class_logits.shape == (2, 3)
    assert doubled(features, label).class_logits.shape == (2, 6)
