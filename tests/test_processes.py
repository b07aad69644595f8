"""One, two, three and four processes train the same model, whatever the conditioning;
with default settings of DDP, which never has to look for unused parameters."""

import pytest
import torch
from forks import results_of, run_forks
from golden_files import relative_error
from processes_worker import CASES, WORLDS, built, state, stylegan2

QUICK = (
    'StyleGAN2, D2DCE with R1',
    'StyleGAN2, TAC(D2DCE)',
    'given images, AC',
)


def of_worlds(names, folder) -> dict[int, list]:
    """Results of every rank, by the size of its world."""
    run_forks('processes_worker.py', *names, folder=folder, timeout=900)
    return {world: results_of(folder / str(world), world) for world in WORLDS}


def assert_all_as_in_one_process(worlds, name):
    (alone,) = (rank[name] for rank in worlds[1])
    for world in WORLDS[1:]:
        for rank in worlds[world]:
            assert rank[name].keys() == alone.keys()
            for key, expected in alone.items():
                error = relative_error(rank[name][key], expected)
                assert error < 1e-9, f'{world} processes, {key}'


@pytest.fixture(scope='module')
def quick(tmp_path_factory):
    return of_worlds(QUICK, tmp_path_factory.mktemp('quick'))


@pytest.fixture(scope='module')
def every(tmp_path_factory):
    return of_worlds(CASES, tmp_path_factory.mktemp('every'))


@pytest.mark.parametrize('name', QUICK)
def test_worlds_train_the_same_model(quick, name):
    """R1, R5, R31: no unused parameter stops an update, and ranks end equal."""
    assert_all_as_in_one_process(quick, name)


@pytest.mark.slow
@pytest.mark.parametrize('name', CASES)
def test_worlds_train_the_same_model_with_every_conditioning(every, name):
    """R31: five iterations on up to four ranks with each method."""
    assert_all_as_in_one_process(every, name)


@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_the_weights_that_are_compared_have_been_trained(quick, double):
    before = state(built(stylegan2, 'TAC(D2DCE)'))
    after = quick[1][0]['StyleGAN2, TAC(D2DCE)']
    weights = [key for key in before if key.endswith('weight')]
    assert len(weights) > 20
    assert not [key for key in weights if torch.equal(before[key], after[key])]
