import os
import socket
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from torch import nn

from reacgan_plugin.gan.parallel import Parallel

TESTS = Path(__file__).parent.parent
WORLD = 2


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    """Results of every rank, in rank order; what counts is the file of each."""
    folder = tmp_path_factory.mktemp('ranks')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = str(free.getsockname()[1])
    environment = {
        **os.environ,
        'PYTHONPATH': os.pathsep.join([str(TESTS.parent), str(TESTS)]),
        'OMP_NUM_THREADS': '1',
        'WORLD_SIZE': str(WORLD),
        'MASTER_ADDR': '127.0.0.1',
        'MASTER_PORT': port,
    }
    processes = [
        subprocess.Popen(
            [sys.executable, 'parallel_worker.py', str(folder)],
            cwd=TESTS,
            env={**environment, 'RANK': str(rank), 'LOCAL_RANK': str(rank)},
        )
        for rank in range(WORLD)
    ]
    try:
        for process in processes:
            process.wait(timeout=120)
    finally:
        for process in processes:
            process.kill()
    return [torch.load(folder / f'{rank}.pt') for rank in range(WORLD)]


def test_float_buffers_become_their_mean_over_ranks(ranks):
    for rank in ranks:
        assert torch.equal(rank['averaged']['narrow'], torch.full((2, 3), 1.5))
        wide = rank['averaged']['wide']
        assert wide.tolist() == [0.0, 5.0, 10.0, 15.0]
        assert wide.dtype == torch.float64


def test_integers_and_parameters_stay_the_ranks_own(ranks):
    for number, rank in enumerate(ranks):
        assert rank['averaged']['count'] == number + 5
        assert rank['averaged']['weight'].tolist() == [number, number]


def test_gradients_are_averaged_in_an_updates_last_backward_pass_only(ranks):
    for number, rank in enumerate(ranks):
        results = rank['accumulated']
        assert results['gradient_1'].item() == 10 + number
        assert results['gradient_2'].item() == 30 + 2 * 0.5  # of sums 30 and 32


def test_names_in_a_state_dict_are_those_of_one_process(ranks):
    for rank in ranks:
        assert rank['accumulated']['names'] == ['network.weight']


def test_buffers_of_networks_that_were_not_wrapped_stay(ranks):
    for number, rank in enumerate(ranks):
        assert rank['ranked']['wrapped'].unique().tolist() == [0.5]
        assert rank['ranked']['bare'].unique().tolist() == [number]


def test_one_process_calls_the_network_itself():
    module, parallel = nn.Linear(2, 2), Parallel()
    assert parallel.forward_of('network', module) is module
    for last in (True, False):
        context = parallel.synchronised('network', last=last)
        assert isinstance(context, nullcontext)


def test_one_process_averages_nothing():
    norm = nn.BatchNorm1d(2)
    norm(torch.randn(4, 2))
    mean = norm.running_mean.clone()
    Parallel().average_buffers('network', norm)
    assert torch.equal(norm.running_mean, mean)
