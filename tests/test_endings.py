"""How several processes end: all with 0, or all with an error once one has died."""

import subprocess
import sys
import time

import pytest
from endings_worker import RUNS
from forks import run_forks
from ranks import free_port, torchrun_variables
from tiny_runs import ROOT, environment

WITHIN = 60  # seconds after the death of a rank
TORCHRUN = (
    '-m',
    'torch.distributed.run',
    '--nproc_per_node=2',
    '--rdzv_backend=c10d',
    '--rdzv_endpoint=localhost:0',
)


def started(*words: str, **variables: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env={**environment(), **variables}
    )


def by_torchrun(*words: str) -> list[subprocess.Popen]:
    return [started(*TORCHRUN, *words)]


def one_by_one(*words: str) -> list[subprocess.Popen]:
    """Rank 0 comes first; nobody looks after the ranks."""
    port = free_port()
    return [started(*words, **torchrun_variables(rank, 2, port)) for rank in range(2)]


@pytest.mark.slow
def test_forty_runs_of_two_processes_in_a_row_end_with_0(tmp_path):
    """R43: none of them hangs or aborts."""
    assert run_forks('endings_worker.py', folder=tmp_path, timeout=1200) == 0
    assert len(list(tmp_path.glob('*/iter_2.pth'))) == RUNS


@pytest.mark.slow
@pytest.mark.parametrize('start', [by_torchrun, one_by_one])
def test_a_killed_rank_ends_the_others_with_an_error_within_a_minute(tmp_path, start):
    config = str(ROOT / 'tests' / 'configs' / 'dying_rank.py')
    flags = ['--work-dir', str(tmp_path), '--launcher', 'pytorch']
    processes = start('tools/train.py', config, *flags)
    try:
        assert processes[0].wait(240) != 0
        assert time.time() - float((tmp_path / 'died').read_text()) < WITHIN
    finally:
        for process in processes:
            process.kill()
