"""Groups of three ranks, two groups of two, and ranks with different numbers of rows:
the gradients are those of one process, and no rank is left waiting."""

import pytest
import torch
from forks import results_of, run_forks
from golden_files import relative_error
from process_groups_worker import (
    CASES,
    CONDITIONINGS,
    WORLD,
    head_gradients,
    losses_and_gradients,
)


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp('ranks')
    run_forks('process_groups_worker.py', folder=folder)
    return results_of(folder, WORLD)


@pytest.mark.parametrize('name', CASES)
def test_gradients_and_mean_loss_of_a_group_equal_those_of_one_process(ranks, name):
    """R9: also where one rank has samples of one class only."""
    for number, members in enumerate(CASES[name].groups):
        found = [ranks[member]['losses'][name] for member in members]
        for key, expected in losses_and_gradients(name, number).items():
            of_ranks = torch.stack([results[key] for results in found])
            if key.endswith('.loss'):  # of a rank's own rows; DDP averages gradients
                of_ranks = of_ranks.mean(0, keepdim=True)
            for actual in of_ranks:
                assert relative_error(actual, expected) < 1e-12, key


@pytest.mark.parametrize('name', CONDITIONINGS)
def test_heads_with_uneven_shares_get_the_gradients_of_one_process(ranks, name):
    expected = head_gradients(name)
    for results in ranks:
        assert results['heads'][name].keys() == expected.keys()
        for key, gradient in expected.items():
            error = relative_error(results['heads'][name][key], gradient)
            assert error < 1e-12, key


def test_different_numbers_of_rows_are_told_to_every_rank(ranks):
    for results in ranks:
        for key in ('rows', 'loss'):
            message = results['complaints'][key]
            assert 'bring 1, 2, 1, 2 rows' in message
            assert 'uneven=True' in message


def test_no_rows_on_any_rank_are_an_error_on_all(ranks):
    for results in ranks:
        assert 'allowed: (N, D) with N > 0' in results['complaints']['nothing']


def test_uneven_rows_are_gathered_in_rank_order_without_padding(ranks):
    """R3: also where ranks bring different numbers of rows."""
    expected = torch.tensor([1.0, 2, 2, 3, 3, 3])[:, None].expand(-1, 2)
    for number, results in enumerate(ranks):
        gathers = results['gathers']
        assert torch.equal(gathers['rows'], expected)
        assert gathers['labels'].tolist() == [0, 0, 1, 0, 1, 2]
        assert gathers['nothing'].shape == (0, 2)
        counts, own = gathers['shares']
        assert (counts, own) == ((0, 1, 2, 3), number)


def test_an_uneven_rows_gradient_is_summed_over_the_losses_of_all_ranks(ranks):
    first = 0
    for number, results in enumerate(ranks):
        weights = [sum(r + first + row for r in range(WORLD)) for row in range(number)]
        expected = torch.tensor(weights, dtype=torch.float32)[:, None].expand(-1, 2)
        assert torch.equal(results['gathers']['gradient'], expected)
        first += number
