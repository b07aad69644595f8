"""Settings of the command line find their places, and a bad one leaves no trace."""

import re

import pytest
from tiny_runs import arguments

from reacgan_plugin.config import load_config
from reacgan_plugin.train import run


@pytest.mark.parametrize(
    'key, message',
    [
        ('totl_batch_size', "no key of a config (did you mean 'total_batch_size'?)"),
        ('foo', 'foo is no key of a config'),
        ('custom_hooks.9.interval', 'custom_hooks is a list of'),
        ('custom_hooks.x', 'allowed: custom_hooks.0 to custom_hooks.'),
        ('total_batch_size.x', 'total_batch_size=32 has no settings of its own'),
        ('model.loss.type.x', "model.loss.type='D2DCE' has no settings"),
    ],
)
def test_a_key_without_a_place_is_named(key, message):
    with pytest.raises(ValueError) as caught:
        load_config('biggan_reacgan_digits.py', {key: 1})
    assert message in str(caught.value)


def test_a_key_of_a_variable_of_ones_own_has_a_place():
    config, _ = load_config('biggan_reacgan_digits.py', {'to_32.0.channels': 1})
    assert config.to_32[0].channels == 1


@pytest.mark.parametrize(
    'overrides, message',
    [
        (dict(model__los__type='AC'), "model.los is no setting .*mean 'loss'"),
        (dict(model__loss='AC'), "model.loss='AC'; allowed: a dict"),
        (dict(model__loss__embed_dim=0), 'embed_dim=0 is out of range'),
        (dict(model__num_classes=7), 'num_classes=7'),
    ],
)
def test_a_run_that_cannot_begin_leaves_the_work_dir_as_it_was(
    tmp_path, capsys, overrides, message
):
    earlier = tmp_path / 'run' / 'biggan_reacgan_digits.py'
    earlier.parent.mkdir()
    earlier.write_text('of an earlier run')
    assert run(arguments(tmp_path / 'run', **overrides)) == 2
    assert capsys.readouterr().err.startswith('error: ')
    assert list(earlier.parent.iterdir()) == [earlier]
    assert earlier.read_text() == 'of an earlier run'
    assert run(arguments(tmp_path / 'new' / 'er', **overrides)) == 2
    error = capsys.readouterr().err
    assert not (tmp_path / 'new').exists()
    assert re.search(message, error)


def test_any_default_hook_is_left_out_by_none(tmp_path):
    words = arguments(tmp_path, default_hooks__guard='None', train_cfg__max_iters=1)
    assert run([*words, 'default_hooks.timer=None']) == 0
    log = next(tmp_path.glob('*/*.log')).read_text()
    assert 'RunningMeansHook' in log
    assert 'GuardHook,' not in log and 'IterTimerHook,' not in log


def test_what_a_hook_cannot_find_is_told_before_the_first_step(tmp_path, capsys):
    hooks = "[dict(type='SampleGridHook', classes=['eleven'])]"
    words = arguments(tmp_path / 'run', hooks=True, custom_hooks=hooks)
    assert run(words) == 2
    error = capsys.readouterr().err
    assert 'eleven' in error and error.count('\n') == 1
    assert not (tmp_path / 'run').exists()
