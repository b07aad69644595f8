"""Damaged checkpoints: an error that names the file, and nothing of it is loaded."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from damage import damaged
from tiny_runs import arguments, same_state

from reacgan_plugin.sample import load_model
from reacgan_plugin.train import configured, parse_arguments, run, runner_for

DEFAULT, ALL = range(24), range(24, 224)


class Trained:
    """A run of one iteration, its checkpoint and a runner that could go on from it."""

    def __init__(self, folder: Path):
        words = arguments(folder / 'run', train_cfg__max_iters=1)
        assert run(words) == 0
        self.folder = folder
        self.path = folder / 'run' / 'iter_1.pth'
        self.content = self.path.read_bytes()
        other = arguments(folder / 'other', train_cfg__max_iters=9)
        config, _ = configured(parse_arguments(other))
        self.runner = runner_for(config).from_cfg(config)
        self.runner.prepare()

    def state(self) -> dict:
        """All that a checkpoint could change in the runner."""
        runner = self.runner
        schedulers = (runner.param_schedulers or {}).items()
        optimizers = {k: w.state_dict() for k, w in runner.optim_wrapper.items()}
        return copy.deepcopy(
            dict(
                model=runner.model.state_dict(),
                moments={k: state['state'] for k, state in optimizers.items()},
                rates={k: w.get_lr() for k, w in runner.optim_wrapper.items()},
                schedules={k: [s.state_dict() for s in v] for k, v in schedulers},
                iteration=runner.iter,
            )
        )

    def damaged(self, number: int) -> tuple[str, Path]:
        how, content = damaged(self.content, number)
        path = self.folder / f'iter_{number + 2}.pth'
        path.write_bytes(content)
        return how, path


@pytest.fixture(scope='module')
def trained(tmp_path_factory) -> Trained:
    return Trained(tmp_path_factory.mktemp('trained'))


def is_refused(load, path: Path) -> bool:
    """Whether it raises what the tools say in one line, with the file's name."""
    try:
        load(str(path))
    except ValueError as error:
        assert path.name in str(error), error
        assert '\n' not in str(error)
        return True
    return False


def check_resume(trained: Trained, number: int) -> None:
    how, path = trained.damaged(number)
    content, before = path.read_bytes(), trained.state()
    if is_refused(trained.runner.resume, path):
        assert same_state(before, trained.state()) == [], f'{how}: loaded in part'
    else:  # what was altered is nothing that a run goes on from
        loaded = trained.state()
        trained.runner.resume(str(trained.path))
        assert same_state(trained.state(), loaded) == [], f'{how}: loaded as it is'
    assert path.read_bytes() == content


def check_weights(trained: Trained, number: int) -> None:
    _, path = trained.damaged(number)
    before = trained.state()
    if is_refused(trained.runner.load_checkpoint, path):
        assert same_state(before, trained.state()) == []
    is_refused(load_model, path)


@pytest.mark.parametrize('number', DEFAULT)
def test_resuming_refuses_a_damaged_checkpoint_whole(trained, number):
    check_resume(trained, number)


@pytest.mark.parametrize('number', DEFAULT)
def test_loading_and_sampling_refuse_a_damaged_checkpoint_whole(trained, number):
    check_weights(trained, number)


@pytest.mark.slow
def test_two_hundred_damaged_checkpoints_are_refused_whole(trained):
    for number in ALL:
        check_resume(trained, number)
        check_weights(trained, number)
