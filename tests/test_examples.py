"""Every example runs as its first line says."""

import re
import subprocess
import sys

import pytest
from ranks import free_port, torchrun_variables
from tiny_runs import ROOT, environment

EXAMPLES = ROOT / 'examples'
STEPS = re.compile(r'^step (\d+)  D -?\d+\.\d+  G -?\d+\.\d+$', re.MULTILINE)
TWO_STEPS = ('--steps', '2', '--batch', '16')


def steps_of(*command: str, variables=None) -> list[str]:
    """Numbers of the steps whose losses were printed, all of them finite."""
    ended = subprocess.run(
        [sys.executable, *command, *TWO_STEPS],
        cwd=EXAMPLES,
        env={**environment(), **(variables or {})},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return STEPS.findall(ended.stdout)


@pytest.mark.parametrize('name', ['plain_loop', 'accelerate_loop'])
def test_a_loop_on_one_process_prints_its_losses(name):
    assert steps_of(f'{name}.py') == ['1', '2']


def test_the_loop_for_several_processes_runs_as_one():
    one = torchrun_variables(0, 1, free_port())
    assert steps_of('ddp_loop.py', variables=one) == ['1', '2']


@pytest.mark.slow
def test_torchrun_starts_two_processes_of_which_one_prints():
    torchrun = ('-m', 'torch.distributed.run', '--nproc_per_node', '2')
    port = ('--master_port', free_port())
    assert steps_of(*torchrun, *port, 'ddp_loop.py') == ['1', '2']


@pytest.mark.slow
def test_accelerate_starts_two_processes_of_which_one_prints():
    launch = ('-m', 'accelerate.commands.launch', '--cpu', '--num_processes', '2')
    port = ('--main_process_port', free_port())
    assert steps_of(*launch, *port, 'accelerate_loop.py') == ['1', '2']


def test_the_readme_names_every_example():
    readme = (EXAMPLES / 'README.md').read_text()
    names = set(re.findall(r'`(\w+\.py)`', readme))
    assert names == {path.name for path in EXAMPLES.glob('*.py')}
