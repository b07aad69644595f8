"""A small mistake in a config is harmless, or one clear line and nothing written."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from mmengine.config import Config
from mutations import VARIANTS, Mutation, base_config, mutations
from torch import nn

from reacgan_plugin.layers import spectral_norm
from reacgan_plugin.safe_runner import SafeRunner
from reacgan_plugin.train import run

CONFIGS = {name: base_config(name) for name in VARIANTS}
SETTINGS = dict(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def started(monkeypatch) -> list:
    """Runs that came through their checks; they are not trained."""
    runs: list = []
    monkeypatch.setattr(SafeRunner, 'train', lambda runner: runs.append(runner))
    # what takes time and has nothing to do with a config's mistakes
    monkeypatch.setattr(spectral_norm, 'WARM_UP', 0)
    monkeypatch.setattr(nn.init, 'orthogonal_', lambda weight, *options: weight)
    monkeypatch.setattr(Config, 'pretty_text', property(str))
    return runs


def begins(config: dict, folder, capsys) -> str | None:
    """None where a run of the config can begin, else the line that says why not."""
    file, work_dir = folder / 'config.json', folder / 'work' / 'dir'
    file.write_text(json.dumps(config))
    code = run([str(file), '--work-dir', str(work_dir)])
    said = capsys.readouterr().err
    if code == 0:
        return None
    assert code == 2
    assert said.startswith('error: ') and said.count('\n') == 1, said
    assert list(folder.iterdir()) == [file], 'something was written'
    return said


def check(mutation: Mutation, tmp_path_factory, capsys) -> None:
    said = begins(mutation.config, tmp_path_factory.mktemp('mutation'), capsys)
    assert said is not None or mutation.what != 'key', f'{mutation.words} is no key'
    if said is not None:
        assert any(word in said for word in mutation.words), (mutation.words, said)
        assert 'Traceback' not in said


@pytest.mark.parametrize('name', CONFIGS)
def test_a_config_without_a_mistake_begins(name, started, tmp_path, capsys):
    assert begins(CONFIGS[name], tmp_path, capsys) is None
    assert len(started) == 1


@settings(max_examples=50, **SETTINGS)
@given(mutation=mutations(CONFIGS))
def test_a_mistake_is_harmless_or_one_clear_line(
    mutation, started, tmp_path_factory, capsys
):
    check(mutation, tmp_path_factory, capsys)


@pytest.mark.slow
@settings(max_examples=500, **SETTINGS)
@given(mutation=mutations(CONFIGS))
def test_many_mistakes_are_harmless_or_one_clear_line(
    mutation, started, tmp_path_factory, capsys
):
    check(mutation, tmp_path_factory, capsys)
