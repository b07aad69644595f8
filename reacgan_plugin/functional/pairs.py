"""What losses over pairs of samples share: checks, cosines, columns of all ranks."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch import distributed as dist

from reacgan_plugin.distributed import gather_shares, shares
from reacgan_plugin.functional.labels import check_label
from reacgan_plugin.functional.sphere import project_to_sphere, row_cosine


class Pairs(NamedTuple):
    """Rows are this rank's n samples, columns the N samples of the group."""

    row: Tensor  # (n, D) unit embeddings
    proxy_cosine: Tensor  # (n,) of each embedding with its own proxy
    row_label: Tensor  # (n,)
    own_column: Tensor  # (n,) column of the row's own sample
    column: Tensor  # (N, D) unit embeddings
    column_label: Tensor  # (N,)


def pair_up(
    embedding: Tensor,
    proxy: Tensor,
    label: Tensor,
    group: dist.ProcessGroup | None,
    *,
    uneven: bool = False,
) -> Pairs:
    """Samples of this rank against those of the group; None: this process only.

    Args:
        uneven: ranks may bring different numbers of samples, also none.

    Raises: ValueError for shapes other than (N, D), (N, D), (N,), for no rows, and
    for different numbers of them where they must be equal.
    """
    _check_shapes(embedding, proxy)
    check_label(label, len(embedding))
    of_ranks = shares(embedding, group, uneven=uneven)
    if of_ranks.total == 0:
        found = tuple(embedding.shape)
        raise ValueError(f'embedding has shape {found}; allowed: (N, D) with N > 0')
    row = project_to_sphere(embedding)
    own = torch.arange(len(row), device=row.device) + of_ranks.first
    return Pairs(
        row=row,
        proxy_cosine=row_cosine(row, proxy),
        row_label=label,
        own_column=own,
        column=gather_shares(row, group, of_ranks),
        column_label=gather_shares(label, group, of_ranks),
    )


def rows_of_a_rank(pairs: Pairs, group: dist.ProcessGroup | None) -> float:
    """n on average over ranks. A rank's sum divided by it is, once DDP has taken the
    mean over ranks, the mean over all samples, however many each rank brought."""
    world = 1 if group is None else dist.get_world_size(group)
    return len(pairs.column) / world


def _check_shapes(embedding: Tensor, proxy: Tensor) -> None:
    found = tuple(embedding.shape)
    if embedding.ndim != 2:
        raise ValueError(f'embedding has shape {found}; allowed: (N, D) with N > 0')
    if proxy.shape != embedding.shape:
        raise ValueError(
            f'proxy has shape {tuple(proxy.shape)} beside an embedding of {found}; '
            "allowed: the same shape, the proxy of each sample's own class"
        )
