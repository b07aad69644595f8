"""Losses of rows in blocks, so that a large batch needs no B x B memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from reacgan_plugin.functional.pairs import Pairs

# Matrices of rows x columns that are alive at the peak of a backward pass.
MATRICES = 6
# What 'auto' lets them take. It holds the whole matrix of 3,344 samples in float32, and
# 682 rows of one of 16,384 samples, still enough for a matrix product at full speed.
BUDGET = 256 * 2**20


def check_block_size(block_size: int | str | None) -> int | str | None:
    """The value, if it is an integer of 1 or more, ``'auto'`` or None; else
    ValueError."""
    whole = isinstance(block_size, int) and not isinstance(block_size, bool)
    if block_size is None or block_size == 'auto' or (whole and block_size > 0):
        return block_size
    raise ValueError(
        f'block_size={block_size!r} is not known; allowed: an integer of 1 or more, '
        "'auto' or None"
    )


def in_blocks(losses: Callable, pairs: Pairs, block_size: int | str | None) -> Tensor:
    """Losses (n,) of all rows, of which only a block is held at a time.

    Each block is computed again in the backward pass.

    Args:
        losses: of the tensors of ``Pairs`` for some rows (b,) -> (b,).
        pairs: n rows against N columns.
        block_size: rows of a block. ``'auto'``: all while matrices of n x N fit
            ``BUDGET``, else as many as do. None: all, computed once.

    Raises: ValueError for another block_size.
    """
    check_block_size(block_size)
    if block_size == 'auto':
        block_size = rows_in_budget(pairs)
    if block_size is None:
        return losses(*pairs)
    recomputed = partial(
        checkpoint, losses, use_reentrant=False, preserve_rng_state=False
    )
    columns = (pairs.column, pairs.column_label)
    blocks = zip(*(rows.split(block_size) for rows in pairs[:4]), strict=True)
    return torch.cat([recomputed(*block, *columns) for block in blocks])


def rows_in_budget(pairs: Pairs) -> int | None:
    """Rows whose matrices fit ``BUDGET``, at least one; None where all do."""
    row_bytes = MATRICES * pairs.row.element_size() * len(pairs.column)
    rows = max(BUDGET // row_bytes, 1)
    return None if rows >= len(pairs.row) else rows
