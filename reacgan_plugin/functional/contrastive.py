"""Conditional contrastive loss, 2C, of ContraGAN (Kang and Park 2020, Eq. 8).

    L_i = -log( (exp(p_i) + sum_{j of i's class} exp(s_ij))
                / (exp(p_i) + sum_{j != i} exp(s_ij)) )
    p_i = f_i.v_{y_i} / tau,   s_ij = f_i.f_j / tau

f: unit embeddings, v: unit proxies. The pair (i, i) occurs nowhere, so p_i takes the
diagonal of the similarity matrix, and the loss is a difference of two logsumexps.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch import distributed as dist

from reacgan_plugin.functional.blocks import in_blocks
from reacgan_plugin.functional.pairs import pair_up, rows_of_a_rank
from reacgan_plugin.functional.precision import full_precision
from reacgan_plugin.functional.reduction import reduce_rows
from reacgan_plugin.functional.sphere import pairwise_cosine
from reacgan_plugin.options import in_range


@full_precision
def conditional_contrastive(
    embedding: Tensor,
    proxy: Tensor,
    label: Tensor,
    *,
    temperature: float = 1.0,
    reduction: str = 'mean',
    group: dist.ProcessGroup | None = None,
    uneven: bool = False,
    block_size: int | str | None = None,
) -> Tensor:
    """2C over rows of any norm: (N, D), (N, D), (N,) -> scalar, or (N,).

    Args:
        embedding: (N, D), one row a sample.
        proxy: (N, D), the proxy of each sample's own class.
        label: (N,), integer classes.
        temperature: tau > 0.
        reduction: ``'mean'``, or ``'none'`` for the losses of rows.
        group, uneven, block_size: as in ``d2d_cross_entropy``.

    Raises: ValueError for shapes, labels or options that are not allowed.
    """
    in_range('temperature', temperature, above=0)
    pairs = pair_up(embedding, proxy, label, group, uneven=uneven)
    losses = partial(_row_losses, temperature=temperature)
    rows = rows_of_a_rank(pairs, group)
    return reduce_rows(in_blocks(losses, pairs, block_size), reduction, rows)


def _row_losses(
    row: Tensor,
    proxy_cosine: Tensor,
    row_label: Tensor,
    own_column: Tensor,
    column: Tensor,
    column_label: Tensor,
    *,
    temperature: float,
) -> Tensor:
    """Losses (n,) of some rows; the tensors are those of ``Pairs``."""
    logits = pairwise_cosine(row, column) / temperature
    attraction = (proxy_cosine / temperature)[:, None]
    logits.scatter_(1, own_column[:, None], attraction)
    other_class = row_label[:, None] != column_label
    same_class_only = logits.masked_fill(other_class, -torch.inf)
    return logits.logsumexp(1) - same_class_only.logsumexp(1)
