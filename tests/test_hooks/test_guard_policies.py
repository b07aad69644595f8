"""Going back: to which checkpoint, and with which weights."""

from pathlib import Path

import pytest
import torch
from guard_faults import spoil_term
from guarded import GuardedRun, saved
from tiny_runs import arguments, same_state

from reacgan_plugin.checkpoint import BadCheckpoint
from reacgan_plugin.gan.faults import Diverged, RolledBack
from reacgan_plugin.hooks import GuardHook
from reacgan_plugin.train import run


def truncated(*paths) -> None:
    for path in map(Path, paths):
        path.write_bytes(path.read_bytes()[:-100])


def guarded(folder, policy='rollback') -> tuple[GuardedRun, list[str]]:
    """A run that is about to meet a fault, and its three checkpoints."""
    runner = GuardedRun(folder, GuardHook(policy=policy), policy)
    paths = [saved(runner, iteration) for iteration in (1, 2, 3)]
    runner.message_hub.update_info('keep_ckpt_ids', [1, 2, 3])
    (Path(folder) / 'iter_900.pth').write_bytes(Path(paths[0]).read_bytes())
    spoil_term(runner.model)
    return runner, paths


def test_a_broken_checkpoint_is_passed_over_for_the_one_before(tmp_path):
    runner, (first, second, third) = guarded(tmp_path)
    truncated(second, third)
    with pytest.raises(RolledBack):
        runner.step()
    assert runner.resumed == [first]
    (warning,) = runner.warnings
    assert warning.startswith('iteration 1, update of the discriminator: loss_')
    for path in (second, third):
        assert f'checkpoint {path} is broken' in warning
    assert f'going back to {first}' in warning


@pytest.mark.parametrize('policy', ['rollback', 'stop'])
def test_where_all_are_broken_the_end_says_why_and_names_them(tmp_path, policy):
    runner, paths = guarded(tmp_path, policy)
    truncated(*paths)
    with pytest.raises(Diverged) as error:
        runner.step()
    message = str(error.value)
    assert message.startswith('iteration 1, update of the discriminator: loss_')
    assert 'has no whole checkpoint of this run' in message
    assert all(f'{path} is broken' in message for path in paths)
    assert 'iter_900' not in message and not runner.resumed


def test_the_last_good_checkpoint_is_one_that_is_whole(tmp_path):
    runner, (_, second, third) = guarded(tmp_path, 'stop')
    truncated(third)
    with pytest.raises(Diverged, match=f'last good checkpoint is {second}'):
        runner.step()


@pytest.mark.parametrize('kind', [OSError, BadCheckpoint])
def test_a_checkpoint_that_does_not_load_ends_the_run_with_why_it_went_back(
    tmp_path, monkeypatch, kind
):
    runner, (*_, third) = guarded(tmp_path)

    def refuse(path):
        raise kind('of another model')

    monkeypatch.setattr(runner, 'resume', refuse)
    message = rf'iteration 1, .*; {third} is not read: of another model'
    with pytest.raises(Diverged, match=message):
        runner.step()


def words(folder, **options) -> list[str]:
    """Of a run that goes back from its third iteration to the second."""
    fault = {
        'custom_imports.imports': '[guard_faults]',
        'default_hooks.fault.type': 'FaultHook',
        'default_hooks.fault.at': 3,
        'default_hooks.guard.policy': 'rollback',
        'default_hooks.checkpoint.interval': 2,
    }
    return arguments(folder, **fault, **options)


def test_an_average_of_mmengine_does_not_take_the_place_of_the_weights(tmp_path):
    ema = dict(default_hooks__ema__type='EMAHook', default_hooks__ema__momentum=0.5)
    assert run(words(tmp_path / 'plain')) == 0
    assert run(words(tmp_path / 'averaged', **ema)) == 0
    plain, averaged = (
        torch.load(tmp_path / name / 'iter_4.pth', weights_only=True)
        for name in ('plain', 'averaged')
    )
    assert averaged['bookkeeping']['redraws'] == 1
    own = averaged['ema_state_dict']  # where the hook puts the network's own
    names = [name for name, _ in plain['state_dict'].items() if f'module.{name}' in own]
    assert len(names) > 30
    own = {name: own[f'module.{name}'] for name in names}
    assert same_state({name: plain['state_dict'][name] for name in names}, own) == []
    assert same_state(plain['optimizer'], averaged['optimizer']) == []
