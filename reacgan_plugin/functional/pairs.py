"""What losses over pairs of samples share: checks, cosines, columns of all ranks."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch import distributed as dist

from reacgan_plugin.distributed import first_own_row, gather_rows
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
    embedding: Tensor, proxy: Tensor, label: Tensor, group: dist.ProcessGroup | None
) -> Pairs:
    """Samples of this rank against those of the group; None: this process only.

    Raises: ValueError for shapes other than (N, D), (N, D), (N,) or no rows.
    """
    _check_shapes(embedding, proxy)
    check_label(label, len(embedding))
    row = project_to_sphere(embedding)
    own = torch.arange(len(row), device=row.device) + first_own_row(row, group)
    return Pairs(
        row=row,
        proxy_cosine=row_cosine(row, proxy),
        row_label=label,
        own_column=own,
        column=gather_rows(row, group),
        column_label=gather_rows(label, group),
    )


def _check_shapes(embedding: Tensor, proxy: Tensor) -> None:
    found = tuple(embedding.shape)
    if embedding.ndim != 2 or len(embedding) == 0:
        raise ValueError(f'embedding has shape {found}; allowed: (N, D) with N > 0')
    if proxy.shape != embedding.shape:
        raise ValueError(
            f'proxy has shape {tuple(proxy.shape)} beside an embedding of {found}; '
            "allowed: the same shape, the proxy of each sample's own class"
        )
