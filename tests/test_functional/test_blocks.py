import pytest
import torch
from pair_losses import random_batch, with_gradients

from reacgan_plugin.functional import (
    blocks,
    conditional_contrastive,
    d2d_cross_entropy,
)
from reacgan_plugin.functional.pairs import pair_up

LOSSES = (d2d_cross_entropy, conditional_contrastive)


def pairs_of(n, columns=None, dtype=torch.float32):
    """Pairs without values, since only their sizes count."""
    batch = (x.to('meta') for x in random_batch(n, width=2, dtype=dtype))
    pairs = pair_up(*batch, None)
    return pairs._replace(column=torch.empty(columns or n, 2, device='meta'))


def row_counts(pairs, block_size):
    """Rows of each block that is computed."""
    seen = []

    def losses(row, *_):
        seen.append(len(row))
        return row.sum(1)

    blocks.in_blocks(losses, pairs, block_size)
    return seen


def test_auto_holds_a_small_batch_whole_and_computes_it_once():
    assert blocks.rows_in_budget(pairs_of(3344)) is None
    assert row_counts(pairs_of(3344), 'auto') == [3344]


def test_auto_divides_the_first_batch_that_is_too_large():
    assert blocks.rows_in_budget(pairs_of(3345)) == 3343


@pytest.mark.parametrize('n, columns', [(8192, 8192), (4096, 16384), (1024, 65536)])
def test_auto_uses_the_budget_and_keeps_below_it(n, columns):
    rows = blocks.rows_in_budget(pairs_of(n, columns))
    assert blocks.MATRICES * rows * columns * 4 <= blocks.BUDGET
    assert blocks.MATRICES * (rows + 1) * columns * 4 > blocks.BUDGET
    assert max(row_counts(pairs_of(n, columns), 'auto')) == rows


def test_auto_counts_the_bytes_of_double_precision():
    single, double = pairs_of(8192), pairs_of(8192, dtype=torch.float64)
    halved = blocks.rows_in_budget(single) // 2
    assert blocks.rows_in_budget(double) == halved


def test_a_row_alone_is_a_block_even_where_it_exceeds_the_budget(monkeypatch):
    monkeypatch.setattr(blocks, 'BUDGET', 1)
    assert row_counts(pairs_of(3), 'auto') == [1, 1, 1]


def test_few_rows_against_many_columns_stay_whole():
    assert blocks.rows_in_budget(pairs_of(64, 100_000)) is None


def test_a_rank_without_rows_has_a_block_without_rows():
    empty = pairs_of(4, 4)
    empty = empty._replace(
        **{
            name: getattr(empty, name)[:0]
            for name in ('row', 'proxy_cosine', 'row_label', 'own_column')
        }
    )
    assert row_counts(empty, 'auto') == row_counts(empty, 2) == [0]


@pytest.mark.parametrize('loss', LOSSES)
def test_auto_in_blocks_gives_the_losses_and_gradients_of_the_whole(loss, monkeypatch):
    inputs = random_batch(9)
    whole = with_gradients(loss, *inputs, block_size='auto')
    monkeypatch.setattr(blocks, 'BUDGET', 2 * blocks.MATRICES * 9 * 8)  # two rows
    computed = []
    monkeypatch.setattr(blocks, 'checkpoint', counting(blocks.checkpoint, computed))
    divided = with_gradients(loss, *inputs, block_size='auto')
    assert computed == [2, 2, 2, 2, 1]
    for actual, expected in zip(divided, whole, strict=True):
        assert torch.allclose(actual, expected, rtol=1e-12)


def counting(checkpoint, computed):
    """checkpoint that notes the rows of each call."""

    def wrapped(losses, row, *rest, **options):
        computed.append(len(row))
        return checkpoint(losses, row, *rest, **options)

    return wrapped


@pytest.mark.parametrize('loss', LOSSES)
@pytest.mark.parametrize(
    'block_size', [0, -1, 2.0, True, 'Auto', '256', torch.tensor(2)]
)
def test_another_block_size_raises_and_names_what_is_allowed(loss, block_size):
    with pytest.raises(ValueError, match="block_size=.*1 or more, 'auto' or None"):
        loss(*random_batch(4), block_size=block_size)


@pytest.mark.parametrize('block_size', [None, 1, 4096, 'auto'])
def test_an_allowed_block_size_passes_the_check_unchanged(block_size):
    assert blocks.check_block_size(block_size) == block_size
