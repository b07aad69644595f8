"""torchrun on the CPU: two ranks end well, equal, and having drawn different fakes."""

import re
import subprocess
import sys

import pytest
import torch
from tiny_runs import ROOT, arguments, environment

WORKERS = 2


def _torchrun(*words: str, timeout: int = 240) -> subprocess.CompletedProcess:
    command = [
        sys.executable,
        '-m',
        'torch.distributed.run',
        f'--nproc_per_node={WORKERS}',
        '--master_port=0',
        '--rdzv_backend=c10d',
        '--rdzv_endpoint=localhost:0',
        *words,
    ]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@pytest.mark.slow
def test_two_ranks_train_and_end_equal_with_different_fakes(tmp_path):
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
