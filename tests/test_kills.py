"""However often a run is killed, also while it saves: resumed, it ends in the weights
of the run that never was."""

from __future__ import annotations

import pytest
import sklearn.datasets  # noqa: F401  # as below: what every fork would import anew
import torch
from kills import Killer, slow_saving
from tiny_runs import ROOT, plain_dumps, same_state

import reacgan_plugin.components  # noqa: F401
import reacgan_plugin.runner  # noqa: F401
from reacgan_plugin.checkpoint import checkpoints_in, newest_checkpoint, read_checkpoint
from reacgan_plugin.train import run

CONFIG = str(ROOT / 'tests' / 'configs' / 'killed.py')
ENDLESS = 10**6


def words(folder, iterations: int, *flags: str) -> list[str]:
    limit = f'train_cfg.max_iters={iterations}'
    return [CONFIG, '--work-dir', str(folder), *flags, '--cfg-options', limit]


def survives(folder, kills: int, seed: int) -> None:
    straight, killed = folder / 'straight', folder / 'killed'

    def endless() -> int:
        slow_saving(0.02)
        plain_dumps()
        return run(words(killed, ENDLESS, '--resume'))

    killed.mkdir()
    killer = Killer(killed, seed)
    half_written, reached = 0, 0
    while killer.kills < kills or half_written <= kills // 6:
        half_written += killer.kill(endless)
        whole = [read_checkpoint(path) for path in checkpoints_in(killed)]
        iterations = [checkpoint['meta']['iter'] for checkpoint in whole]
        assert max(iterations, default=0) >= reached, 'a kill cost a checkpoint'
        reached = max(iterations, default=0)
    end = reached + 4
    for done in (words(killed, end, '--resume'), words(straight, end)):
        assert run(done) == 0
    first, second = (torch.load(newest_checkpoint(f)) for f in (straight, killed))
    assert first['meta']['iter'] == second['meta']['iter'] == end
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert same_state(first[part], second[part]) == []
    assert len(checkpoints_in(killed)) == 2  # of max_keep_ckpts


def test_three_kills_change_nothing(tmp_path):
    survives(tmp_path, kills=3, seed=0)


@pytest.mark.slow
def test_a_hundred_kills_change_nothing(tmp_path):
    survives(tmp_path, kills=100, seed=1)
