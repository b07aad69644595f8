"""tools/dist_train.sh and tools/slurm_train.sh: what they start, and that it trains."""

import os
import subprocess
import sys

import pytest
from tiny_runs import ROOT, arguments, environment

from reacgan_plugin.runner import GANRunner

DIST, SLURM = (str(ROOT / 'tools' / f'{name}_train.sh') for name in ('dist', 'slurm'))
# what srun does, on one machine: it starts every task with its variables
SRUN = """#!/usr/bin/env bash
for word; do case $word in --ntasks=*) tasks=${word#*=} ;; esac; done
echo "$MASTER_PORT ${*}" >"$(dirname "$0")/words"
while [[ $1 == --* ]]; do shift; done
export SLURM_NTASKS=$tasks SLURM_NODELIST=localhost
for ((task = 0; task < tasks; task++)); do
    SLURM_PROCID=$task SLURM_LOCALID=$task "$@" &
    started+=($!)
done
for task in "${started[@]}"; do wait "$task" || exit 1; done
"""


def launched(*words: str, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ['bash', *words],
        env={**environment(), **variables},
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.fixture
def srun(tmp_path):
    """A srun that comes first in PATH, and the words that it was given."""
    script = tmp_path / 'srun'
    script.write_text(SRUN)
    script.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ['PATH']])
    return dict(PATH=path, MASTER_ADDR='127.0.0.1'), tmp_path / 'words'


@pytest.mark.parametrize('script', [DIST, SLURM])
def test_a_script_is_bash_and_says_how_it_is_used(script):
    assert subprocess.run(['bash', '-n', script]).returncode == 0
    assert os.access(script, os.X_OK)
    ended = launched(script, 'config.py')
    assert ended.returncode == 2
    assert f'tools/{os.path.basename(script)} ' in ended.stderr


def test_torchrun_gets_the_processes_and_the_tool_the_rest():
    words = launched(DIST, 'my.py', '3', '--seed', '5', PYTHON='echo').stdout.split()
    assert words[:3] == ['-m', 'torch.distributed.run', '--nproc_per_node=3']
    assert '--rdzv_endpoint=localhost:0' in words
    expected = [f'{ROOT}/tools/train.py', 'my.py', '--launcher', 'pytorch']
    assert words[-6:] == [*expected, '--seed', '5']


def test_several_machines_meet_at_the_first():
    machine = dict(NNODES='2', NODE_RANK='1', MASTER_ADDR='first', PYTHON='echo')
    words = launched(DIST, 'my.py', '8', **machine).stdout.split()
    for word in ('--nnodes=2', '--node_rank=1', '--master_addr=first'):
        assert word in words
    assert '--master_port=29500' in words
    assert '--rdzv_endpoint=localhost:0' not in words


def test_a_machine_without_a_number_is_told_so():
    ended = launched(DIST, 'my.py', '8', NNODES='2', MASTER_ADDR='x', PYTHON='echo')
    assert ended.returncode != 0
    assert 'NODE_RANK: the number of this machine' in ended.stderr


def test_srun_gets_the_tasks_and_the_tool_the_rest(srun):
    variables, words = srun
    variables.update(PYTHON='echo', SRUN_ARGS='--time=1 --mem=2')
    ended = launched(SLURM, 'gpu', 'name', 'my.py', '16', '--seed', '5', **variables)
    assert ended.stdout.count(f'{ROOT}/tools/train.py my.py --launcher slurm') == 16
    port, *given = words.read_text().split()
    assert 20000 <= int(port) < 30000
    for word in (
        '--partition=gpu',
        '--job-name=name',
        '--ntasks=16',
        '--ntasks-per-node=8',
        '--gres=gpu:8',
        '--kill-on-bad-exit=1',
        '--time=1',
        '--mem=2',
    ):
        assert word in given
    assert given[-2:] == ['--seed', '5']


def test_gpus_that_do_not_fill_the_machines_are_refused(srun):
    ended = launched(SLURM, 'gpu', 'name', 'my.py', '12', **srun[0])
    assert ended.returncode == 2
    assert 'GPUS=12 does not divide by GPUS_PER_NODE=8' in ended.stderr


@pytest.mark.parametrize(
    'key, value', [('strategy', dict(type='FSDPStrategy')), ('runner_type', 'X')]
)
def test_flexible_runners_keys_are_refused_with_the_reason(key, value):
    with pytest.raises(
        ValueError, match=f'the key {key} .*GAN steps two in turn.*remove it'
    ):
        GANRunner.from_cfg({key: value})


@pytest.mark.slow
@pytest.mark.parametrize('script', ['dist', 'slurm'])
def test_two_processes_train_on_the_cpu(script, srun, tmp_path):
    work = tmp_path / 'work'
    config, *rest = arguments(work, train_cfg__max_iters=2)
    words = {
        'dist': (DIST, config, '2', *rest),
        'slurm': (SLURM, 'partition', 'name', config, '2', *rest),
    }
    ended = launched(*words[script], **srun[0], PYTHON=sys.executable)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (work / 'iter_2.pth').is_file()
    assert '2 process(es)' in next(work.glob('*/*.log')).read_text()
