"""One and two processes evaluate the same images."""

import pytest
import torch
from evaluation_worker import COUNT, WORLDS
from forks import results_of, run_forks
from tiny_runs import same_state


@pytest.fixture(scope='module')
def worlds(tmp_path_factory):
    folder = tmp_path_factory.mktemp('worlds')
    assert run_forks('evaluation_worker.py', folder=folder) == 0
    return {world: results_of(folder / str(world), world) for world in WORLDS}


@pytest.mark.parametrize('name', ['rows', 'few', 'part'])
def test_the_first_rank_has_the_rows_of_one_process_to_the_bit(worlds, name):
    (alone,) = (found[name] for found in worlds[1])
    for world in WORLDS[1:]:
        first, *others = (found[name] for found in worlds[world])
        assert others == [None] * (world - 1)
        assert set(same_state(first, alone)) <= {'/mean', '/covariance'}
        for key in ('mean', 'covariance'):  # perhaps of sums in another order
            assert torch.allclose(first[key], alone[key], rtol=1e-12, atol=1e-12)


def test_103_images_count_103_in_their_order(worlds):
    for world in WORLDS:
        rows = worlds[world][0]['rows']
        assert rows['count'] == len(rows['features']) == COUNT == 103
        assert rows['labels'].tolist() == list(range(103))
        assert worlds[world][-1]['numbers']['fakes'] == 103


def test_of_a_large_set_some_rows_and_the_gaussian_of_all_are_kept(worlds):
    whole = worlds[1][0]['rows']
    for world in WORLDS:
        part = worlds[world][0]['part']
        assert part['count'] == 103 and len(part['features']) == 20
        assert torch.equal(part['features'], whole['features'][part['labels']])
        for key in ('mean', 'covariance'):
            assert torch.allclose(part[key], whole[key], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('name', ['numbers', 'standing', 'batch'])
def test_every_rank_has_the_numbers_of_one_process(worlds, name):
    """R18: metrics do not depend on the number of processes."""
    (alone,) = (found[name]['values'] for found in worlds[1])
    for world in WORLDS[1:]:
        for found in worlds[world]:
            assert found[name]['values'] == alone
    assert len(alone) == 5


def test_where_one_rank_fails_all_of_them_learn_of_it(worlds):
    """R43: nobody waits for a rank that raised."""
    assert worlds[1][0]['error'] == 'none'
    for world in WORLDS[1:]:
        for rank, found in enumerate(worlds[world]):
            expected = 'RankFailed: rank 1: ValueError: a broken file'
            if rank == 1:
                expected = 'ValueError: a broken file'
            assert found['error'] == expected


def test_a_metric_that_fails_on_the_first_rank_keeps_nobody_waiting(worlds):
    for world in WORLDS:
        for found in worlds[world]:
            message = 'ArithmeticError: on the first rank alone'
            assert found['failed'] == {'Fails': message}
