from contextlib import nullcontext

import torch
from golden_files import relative_error
from parallel_gans import updated
from ranks import run_ranks
from torch import nn

from reacgan_plugin.gan.parallel import Parallel


def test_two_processes_share_statistics_and_gradients(tmp_path):
    """R1: gradients of both networks and logged losses are those of one process."""
    # One test, since starting the processes takes seconds.
    ranks = run_ranks('parallel_worker.py', world=2, folder=tmp_path)
    for number, rank in enumerate(ranks):
        assert_float_buffers_are_means(rank['averaged'])
        assert_the_rest_stays(rank['averaged'], number)
        assert_gradients_are_averaged_last(rank['accumulated'], number)
        assert rank['accumulated']['names'] == ['network.weight']  # as on one process
        assert rank['logged'] == {'d/loss': 3.5, 'd/skipped': 0.5}
        assert rank['ranked']['wrapped'].unique().tolist() == [0.5]
        assert rank['ranked']['bare'].unique().tolist() == [number]
        for name, found in rank['gans'].items():
            assert_gradients_are_those_of_one_process(name, found)


def assert_gradients_are_those_of_one_process(name, found):
    for network, expected in updated(name).items():
        for key, gradient in expected.items():
            error = relative_error(found[network][key], gradient, floor=1e-4)
            assert error < 1e-5, f'{name}, {network}.{key}'


def assert_float_buffers_are_means(state):
    assert torch.equal(state['narrow'], torch.full((2, 3), 1.5))
    assert state['wide'].tolist() == [0.0, 5.0, 10.0, 15.0]
    assert state['wide'].dtype == torch.float64


def assert_the_rest_stays(state, number):
    assert state['count'] == number + 5
    assert state['weight'].tolist() == [number, number]


def assert_gradients_are_averaged_last(results, number):
    assert results['gradient_1'].item() == 10 + number
    assert results['gradient_2'].item() == 31  # of sums 30 and 32


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
