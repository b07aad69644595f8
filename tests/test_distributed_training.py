"""torchrun on the CPU: two ranks end well, equal, and having drawn different fakes."""

import re
import signal
import subprocess
import sys

import pytest
import torch
from tiny_runs import ROOT, arguments, environment

from reacgan_plugin.checkpoint import newest_checkpoint

WORKERS = 2


def _command(*words: str) -> list[str]:
    return [
        sys.executable,
        '-m',
        'torch.distributed.run',
        f'--nproc_per_node={WORKERS}',
        '--rdzv_backend=c10d',
        '--rdzv_endpoint=localhost:0',
        *words,
    ]


def _torchrun(*words: str, timeout: int = 240) -> subprocess.CompletedProcess:
    return subprocess.run(
        _command(*words),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@pytest.mark.slow
def test_two_ranks_train_and_end_equal_with_different_fakes(tmp_path):
    """R5: proxies and all other weights are equal to the bit after training."""
    config = str(ROOT / 'tests' / 'configs' / 'rank_record.py')
    flags = ['--work-dir', str(tmp_path), '--launcher', 'pytorch']
    ended = _torchrun('tools/train.py', config, *flags)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    first, second = (torch.load(tmp_path / f'rank{r}.pt') for r in range(WORKERS))
    for name, value in first['state'].items():
        assert torch.equal(value, second['state'][name]), name
    assert not torch.equal(first['fake'], second['fake'])
    assert not torch.equal(first['image'], second['image'])


@pytest.mark.slow
def test_two_ranks_resume_where_they_stopped(tmp_path):
    launch = ['--launcher', 'pytorch']
    for flags, last in ((launch, 2), ([*launch, '--resume'], 4)):
        words = arguments(tmp_path, *flags, train_cfg__max_iters=last)
        ended = _torchrun('tools/train.py', *words)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search('Resumed at iteration 2', ended.stdout + ended.stderr)
    assert (tmp_path / 'iter_4.pth').is_file()


@pytest.mark.slow
def test_ctrl_c_stops_two_ranks_after_the_same_iteration_with_a_checkpoint(tmp_path):
    words = arguments(tmp_path, '--launcher', 'pytorch', train_cfg__max_iters=100000)
    command = _command('tools/train.py', *words)
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = iter(process.stdout.readline, '')
    assert any('Iter(train)' in line for line in lines)
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    process.wait(60)
    done = torch.load(newest_checkpoint(tmp_path), weights_only=True)['meta']['iter']
    assert f'stopped after iteration {done}' in rest
    assert 'torchrun --nproc_per_node 2 ' in rest
