"""A resumed run takes what its config has changed since, and what it has not stays."""

import copy

import pytest
import torch
from tiny_runs import arguments, same_state

from reacgan_plugin.checkpoint import BadCheckpoint, read_checkpoint
from reacgan_plugin.train import configured, parse_arguments, run, runner_for

RATES = 'optim_wrapper__discriminator__optimizer__'
SCHEDULE = dict(param_scheduler__begin=0, param_scheduler__end=4)


def prepared(folder, *flags, **changes):
    """A runner just before its first step, and what it logged."""
    words = arguments(folder, *flags, **{**SCHEDULE, **changes})
    config, _ = configured(parse_arguments(words))
    runner = runner_for(config).from_cfg(config)
    runner.prepare()
    return runner, ''.join(path.read_text() for path in folder.glob('*/*.log'))


@pytest.fixture(scope='module')
def half(tmp_path_factory) -> str:
    """The checkpoint of a run that stopped in the middle of its schedule."""
    folder = tmp_path_factory.mktemp('half')
    assert run(arguments(folder, train_cfg__max_iters=2, **SCHEDULE)) == 0
    return str(folder / 'iter_2.pth')


def optimizer_states(runner) -> dict:
    wrappers = runner.optim_wrapper.items()
    return copy.deepcopy({name: wrapper.state_dict() for name, wrapper in wrappers})


def schedules(runner) -> dict:
    listed = runner.param_schedulers.items()
    return {name: [s.state_dict() for s in each] for name, each in listed}


def test_an_unchanged_config_leaves_all_as_it_was_saved(half, tmp_path):
    runner, log = prepared(tmp_path, '--resume', half)
    saved = read_checkpoint(half)
    assert same_state(optimizer_states(runner), saved['optimizer']) == []
    assert same_state(schedules(runner), saved['param_schedulers']) == []
    assert 'changed since' not in log


def test_another_optimizer_is_refused_though_its_state_looks_the_same(half, tmp_path):
    with pytest.raises(
        BadCheckpoint, match=r"type='AdamW' instead of 'Adam' of .*iter_2"
    ):
        prepared(tmp_path, '--resume', half, **{f'{RATES}type': 'AdamW'})


def test_a_lower_rate_is_used_and_its_schedule_goes_on_from_it(half, tmp_path):
    """As if the run had been at that rate from the beginning."""
    lower = {f'{RATES}lr': 2e-4}
    fresh = tmp_path / 'fresh'
    assert run(arguments(fresh, train_cfg__max_iters=4, **SCHEDULE, **lower)) == 0
    expected = read_checkpoint(fresh / 'iter_4.pth')['optimizer']['discriminator']
    runner, log = prepared(tmp_path / 'on', '--resume', half, **lower)
    (line,) = (line for line in log.splitlines() if 'changed since' in line)
    assert f'WARNING - the config has changed since {half}: ' in line
    key = 'optim_wrapper.discriminator.optimizer.lr'
    assert f'{key}=0.0002 instead of 0.001; going on' in line
    for _ in range(2):
        for scheduler in runner.param_schedulers['discriminator']:
            scheduler.step()
    (group,) = optimizer_states(runner)['discriminator']['param_groups']
    (wanted,) = expected['param_groups']
    assert group['lr'] == pytest.approx(wanted['lr'], rel=1e-12)
    assert group['initial_lr'] == wanted['initial_lr'] == 2e-4
    saved = read_checkpoint(half)['optimizer']
    assert same_state(optimizer_states(runner)['generator'], saved['generator']) == []
    moments = optimizer_states(runner)['discriminator']['state']
    assert same_state(moments, saved['discriminator']['state']) == []


def test_settings_of_other_kinds_are_taken_over_in_one_warning(half, tmp_path):
    changes = {f'{RATES}betas': '[0.5,0.9]', f'{RATES}weight_decay': 0.01}
    runner, log = prepared(tmp_path, '--resume', half, **changes)
    (group,) = runner.optim_wrapper['discriminator'].optimizer.param_groups
    assert group['betas'] == (0.5, 0.9) and group['weight_decay'] == 0.01
    (line,) = (line for line in log.splitlines() if 'changed since' in line)
    assert 'betas=(0.5, 0.9) instead of (0.0, 0.999)' in line
    assert 'weight_decay=0.01 instead of 0' in line


def test_what_was_taken_over_is_no_change_for_the_next_resume(half, tmp_path):
    lower = {f'{RATES}lr': 2e-4, 'train_cfg__max_iters': 3, **SCHEDULE}
    assert run(arguments(tmp_path, '--resume', half, **lower)) == 0
    path = str(tmp_path / 'iter_3.pth')
    runner, log = prepared(tmp_path / 'on', '--resume', path, **lower)
    assert 'changed since' not in log
    saved = read_checkpoint(path)['optimizer']
    assert same_state(optimizer_states(runner), saved) == []


def test_rates_of_single_layers_keep_their_proportion(tmp_path):
    mult = 'optim_wrapper__discriminator__paramwise_cfg__bias_lr_mult'
    settings = {mult: 2.0, 'train_cfg__max_iters': 1}
    assert run(arguments(tmp_path, **SCHEDULE, **settings)) == 0
    lower = {**settings, f'{RATES}lr': 2e-4}
    path = str(tmp_path / 'iter_1.pth')
    runner, _ = prepared(tmp_path / 'on', '--resume', path, **lower)
    groups = runner.optim_wrapper['discriminator'].optimizer.param_groups
    rates = {round(group['initial_lr'], 12) for group in groups}
    assert rates == {2e-4, 4e-4}


def test_without_a_config_in_the_checkpoint_all_is_as_saved(half, tmp_path):
    saved = read_checkpoint(half)
    runner, _ = prepared(tmp_path, **{f'{RATES}lr': 2e-4})
    for config in (None, '{', '[]', '{"optim_wrapper": 3}'):
        saved['meta']['config'] = config
        torch.save(saved, tmp_path / 'iter_2.pth')
        runner.resume(str(tmp_path / 'iter_2.pth'))
        assert same_state(optimizer_states(runner), saved['optimizer']) == []
