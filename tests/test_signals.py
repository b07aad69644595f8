"""SIGTERM, wherever a run is: what is saved, and how the process ends."""

from __future__ import annotations

import os
import signal

import pytest
import sklearn.datasets  # noqa: F401  # as below: what every fork would import anew
from forks import run_forks
from kills import fork
from tiny_runs import ROOT, plain_dumps

import reacgan_plugin.components  # noqa: F401
import reacgan_plugin.runner  # noqa: F401
from reacgan_plugin.checkpoint import checkpoints_in, read_checkpoint
from reacgan_plugin.train import run

CONFIGS = ROOT / 'tests' / 'configs'
INTERVAL = 'default_hooks.checkpoint.interval=2'


def sent(folder, config: str, *options: str) -> int:
    """How a run ended in a process of its own, as ``os.waitstatus_to_exitcode``."""

    def main() -> int:
        plain_dumps()
        words = [str(CONFIGS / config), '--work-dir', str(folder)]
        return run([*words, *(['--cfg-options', *options] if options else [])])

    return os.waitstatus_to_exitcode(os.waitpid(fork(main), 0)[1])


def saved(folder) -> list[int]:
    """Iterations of the checkpoints, which are whole and have nothing beside them."""
    assert not list(folder.glob('.*'))
    whole = [read_checkpoint(path) for path in checkpoints_in(folder)]
    return [checkpoint['meta']['iter'] for checkpoint in whole]


def log_of(folder) -> str:
    (log,) = folder.glob('*/*.log')
    return log.read_text()


@pytest.mark.parametrize('config, options, iteration', [
    ('signalled.py', [], 3),
    ('signalled.py', ['custom_hooks.0.times=2'], 3),
    ('signalled.py', ['custom_hooks.0.at=saving', INTERVAL], 2),
    ('signalled_evaluation.py', [], 2),
])  # fmt: skip
def test_sigterm_saves_ends_with_130_and_says_how_to_go_on(
    tmp_path, config, options, iteration
):
    assert sent(tmp_path, config, *options) == 130
    assert saved(tmp_path) == [iteration]
    log = log_of(tmp_path)
    assert f'stopped after iteration {iteration}' in log
    assert '--resume' in log.splitlines()[-1]
    assert ('broken off' in log) == ('evaluation' in config)


def test_before_the_first_iteration_sigterm_ends_the_process_at_once(tmp_path):
    at = 'custom_hooks.0.at=prepare'
    assert sent(tmp_path, 'signalled.py', at) == -signal.SIGTERM
    assert saved(tmp_path) == []
    assert not list(tmp_path.glob('*.py'))


@pytest.mark.parametrize('ranks', [
    '1', pytest.param('0', marks=pytest.mark.slow),
    pytest.param('0,1', marks=pytest.mark.slow),
])  # fmt: skip
def test_whichever_of_two_processes_gets_it_both_end_alike(tmp_path, ranks):
    assert run_forks('signals_worker.py', ranks, folder=tmp_path, timeout=300) == 0
    for rank in range(2):
        code, seconds = (tmp_path / f'{rank}.txt').read_text().split()
        assert code == '130'
        assert float(seconds) < 60
    assert saved(tmp_path / 'work') == [3]
