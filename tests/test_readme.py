"""The README's code blocks are code that runs, and its links lead somewhere."""

import re

import pytest
import torch
from tiny_runs import ROOT

from reacgan_plugin.config import load_config
from reacgan_plugin.config_checks import check_types

README = (ROOT / 'README.md').read_text()
BLOCKS = re.findall(r'```python\n(.*?)```', README, flags=re.DOTALL)
RUNNABLE = [block for block in BLOCKS if 'import' in block]
CONFIGS = [block for block in BLOCKS if '_base_' in block]


def test_there_is_a_block_for_every_door():
    assert len(RUNNABLE) == 3
    assert len(CONFIGS) == 2


@pytest.mark.parametrize(
    'block', RUNNABLE, ids=['openmmlab', 'plain', 'metric learning']
)
def test_a_block_of_the_readme_runs(block):
    names: dict = {}
    exec(block, names)
    results = [v for v in names.values() if isinstance(v, torch.Tensor) and v.ndim == 0]
    if 'terms' in names:
        results += names['terms'].values()
    assert results and all(value.isfinite() for value in results)


@pytest.mark.parametrize('block', CONFIGS, ids=['loss', 'techniques'])
def test_a_config_of_the_readme_loads(tmp_path, block):
    path = tmp_path / 'my_config.py'
    path.write_text(block)
    config, _ = load_config(str(path))
    check_types(config)
    assert config.model.loss.type == 'D2DCE'
    assert config.model.loss.formula == 'studiogan'  # inherited


def test_files_that_the_readme_names_exist():
    links = re.findall(r'\]\(((?!http)[^)]+)\)|src="([^"]+)"', README)
    links = [first or second for first, second in links]
    assert links
    for link in links:
        assert (ROOT / link).exists(), link
    for name in re.findall(r'(?:configs|tools)/\w+\.py', README):
        assert (ROOT / name).is_file(), name
