"""Data-to-Data Cross-Entropy of ReACGAN (Kang et al. 2021, Eq. 6).

    L_i = -log( exp(a_i) / (exp(a_i) + sum_{j in N(i)} exp(b_ij)) )
    a_i = min(f_i.v_{y_i} - m_p, 0) / tau,   b_ij = max(f_i.f_j - m_n, 0) / tau

f: unit embeddings, v: unit proxies, N(i): samples of another class, m_n = 1 - m_p.
A pair (i, i) is never of two classes, so the attraction a_i takes the diagonal of the
similarity matrix, other pairs of one class are -inf, and the loss of row i is the
plain cross entropy of that row against column i.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch import distributed as dist
from torch.nn import functional as F

from reacgan_plugin.functional.blocks import in_blocks
from reacgan_plugin.functional.pairs import pair_up, rows_of_a_rank
from reacgan_plugin.functional.precision import full_precision
from reacgan_plugin.functional.reduction import reduce_rows
from reacgan_plugin.functional.sphere import pairwise_cosine
from reacgan_plugin.options import in_range, one_of

FORMULAS = ('paper', 'studiogan')


@full_precision
def d2d_cross_entropy(
    embedding: Tensor,
    proxy: Tensor,
    label: Tensor,
    *,
    margin: float = 0.98,
    temperature: float = 0.5,
    formula: str = 'paper',
    reduction: str = 'mean',
    group: dist.ProcessGroup | None = None,
    uneven: bool = False,
    block_size: int | str | None = None,
) -> Tensor:
    """Eq. 6 over rows of any norm: (N, D), (N, D), (N,) -> scalar, or (N,).

    Args:
        embedding: (N, D), one row a sample.
        proxy: (N, D), the proxy of each sample's own class.
        label: (N,), integer classes.
        margin: m_p in (0, 1]; m_n is 1 - m_p.
        temperature: tau > 0.
        formula: ``'paper'`` is Eq. 6. ``'studiogan'`` is what the reference computes:
            it lowers the repulsions, but not the attraction, by each row's largest
            similarity.
        reduction: ``'mean'``, or ``'none'`` for the losses of rows.
        group: with a process group the rows are this rank's, repulsion comes from the
            samples of all ranks, and DDP's mean over ranks is the loss and the
            gradient of one process. None: this process alone.
        uneven: ranks may bring different numbers of rows, also none, which costs an
            exchange of the numbers; else they must be equal.
        block_size: rows of the similarity matrix that are held at a time, each block
            computed again in the backward pass; ``'auto'``: all rows while they take
            little memory, else blocks that do; None: all rows at once.

    Raises: ValueError for shapes, labels or options that are not allowed.
    """
    in_range('margin', margin, above=0, up_to=1)
    in_range('temperature', temperature, above=0)
    one_of('formula', formula, FORMULAS)
    pairs = pair_up(embedding, proxy, label, group, uneven=uneven)
    losses = partial(
        _row_losses, margin=margin, temperature=temperature, formula=formula
    )
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
    margin: float,
    temperature: float,
    formula: str,
) -> Tensor:
    """Losses (n,) of some rows; the tensors are those of ``Pairs``."""
    attraction = -F.relu(margin - proxy_cosine) / temperature
    scaled = (pairwise_cosine(row, column) - (1 - margin)) / temperature
    repulsion = F.relu(scaled)
    if formula == 'studiogan':
        repulsion = repulsion - _largest_of_others(scaled, own_column)
    same_class = row_label[:, None] == column_label
    logits = repulsion.masked_fill(same_class, -torch.inf)
    logits.scatter_(1, own_column[:, None], attraction[:, None])
    return F.cross_entropy(logits, own_column, reduction='none')


def _largest_of_others(scaled: Tensor, own_column: Tensor) -> Tensor:
    """Detached maximum of each row over all other samples, (n, N) -> (n, 1).

    As in the reference, samples of the row's own class count and values may be
    negative. A batch of one has no others, hence nothing to subtract.
    """
    if scaled.shape[1] == 1:
        return torch.zeros_like(scaled)
    others = scaled.detach().scatter(1, own_column[:, None], -torch.inf)
    return others.amax(1, keepdim=True)
