"""Every example runs as its first line says."""

import importlib
import re
import subprocess
import sys
from functools import partial
from itertools import islice

import pytest
import torch
from ranks import free_port, torchrun_variables
from tiny_runs import ROOT, environment
from torch.utils.data import DataLoader, DistributedSampler

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


@pytest.fixture
def endless(monkeypatch):
    """The function of that name, which is in no package."""
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.delitem(sys.modules, 'networks', raising=False)
    yield importlib.import_module('networks').endless
    del sys.modules['networks']


def shuffled(batch=2):
    return DataLoader(range(10), batch, shuffle=True, drop_last=True)


def distributed(batch=2, rank=0):
    """As one of two processes has it."""
    sampler = DistributedSampler(range(10), 2, rank)
    return DataLoader(range(10), batch, sampler=sampler, drop_last=True)


def accelerates(batch=2, processes=1):
    """As accelerate makes it for the last of some processes."""
    from accelerate.data_loader import prepare_data_loader

    return prepare_data_loader(
        shuffled(batch), num_processes=processes, process_index=processes - 1
    )


LOADERS = {
    'one process': shuffled,
    'two processes': distributed,
    'accelerate': accelerates,
    'accelerate, two processes': partial(accelerates, processes=2),
}
every_loader = pytest.mark.parametrize('kind', LOADERS)


def rounds(batches, length):
    """Rows of four times round, each in the order that they came in."""
    return [torch.cat([*islice(batches, length)]).tolist() for _ in range(4)]


@every_loader
def test_each_time_round_the_order_is_another_one(endless, kind):
    loader = LOADERS[kind]()
    orders = rounds(endless(loader), len(loader))
    assert len({tuple(order) for order in orders}) == 4


def test_processes_share_no_row_of_a_time_round(endless):
    first, second = (rounds(endless(distributed(rank=rank)), 2) for rank in (0, 1))
    for ours, theirs in zip(first, second, strict=True):
        assert not set(ours) & set(theirs)


@every_loader
def test_a_batch_larger_than_the_data_raises_where_it_would_hang(endless, kind):
    loader = LOADERS[kind](batch=11)
    with pytest.raises(ValueError, match='--batch is larger than what .* of 10 images'):
        next(endless(loader))


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
