"""How embeddings of a batch lie to their proxies and to each other.

A pair is easy where the margins of D2D-CE (Kang et al. 2021, Eq. 6) leave it alone: a
positive, of a sample and its proxy, at a cosine of m_p or more; a negative, of samples
of two classes, at m_n = 1 - m_p or less. Easy pairs have no gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributed as dist

from reacgan_plugin.functional.pairs import pair_up
from reacgan_plugin.functional.precision import full_precision
from reacgan_plugin.functional.sphere import pairwise_cosine


@torch.no_grad()
@full_precision
def pair_diagnostics(
    embedding: Tensor,
    proxy: Tensor,
    label: Tensor,
    *,
    temperature: float,
    margin: float | None = None,
    group: dist.ProcessGroup | None = None,
    uneven: bool = False,
) -> dict[str, Tensor]:
    """Means over samples, scalars on the device, of rows (N, D), (N, D), (N,).

    Args:
        embedding, proxy, label: as of ``d2d_cross_entropy``, rows of any norm.
        temperature: tau of the loss.
        margin: m_p; None for a loss without margins, where no pair is easy.
        group, uneven: as of ``d2d_cross_entropy``; negatives come from all ranks.

    Returns:
        positive_cosine: of samples with the proxy of their class.
        hardest_negative_cosine: of samples with the nearest sample of another class.
        effective_negatives: (sum q)^2 / sum q^2 of the gradients q that a sample gets
            from its negatives: 1 where one of them has it all, their number where they
            share it, 0 where all are easy.
        easy_positives, easy_negatives: shares of pairs; with a margin only.

    Means over negatives are NaN where the batch has none.
    Raises: ValueError for shapes and labels that are not allowed.
    """
    pairs = pair_up(embedding, proxy, label, group, uneven=uneven)
    cosine = pairwise_cosine(pairs.row, pairs.column)
    negative = pairs.row_label[:, None] != pairs.column_label
    hard = negative if margin is None else negative & (cosine > 1 - margin)
    found = {
        'positive_cosine': pairs.proxy_cosine.mean(),
        'hardest_negative_cosine': _hardest(cosine, negative),
        'effective_negatives': _effective(cosine / temperature, hard).mean(),
    }
    if margin is not None:
        found['easy_positives'] = (pairs.proxy_cosine >= margin).float().mean()
        found['easy_negatives'] = 1 - hard.sum() / negative.sum()
    return found


def _hardest(cosine: Tensor, negative: Tensor) -> Tensor:
    """Mean over rows that have a negative of their largest cosine with one."""
    hardest = cosine.masked_fill(~negative, -torch.inf).amax(1)
    has_one = negative.any(1)
    return torch.where(has_one, hardest, 0).sum() / has_one.sum()


def _effective(logits: Tensor, hard: Tensor) -> Tensor:
    """Effective number (n,) of the negatives of each row by their exponentials."""
    largest = logits.masked_fill(~hard, -torch.inf).amax(1, keepdim=True)
    weight = torch.where(hard, (logits - largest).exp(), 0)
    number = weight.sum(1).square() / weight.square().sum(1)
    return torch.where(hard.any(1), number, 0)
