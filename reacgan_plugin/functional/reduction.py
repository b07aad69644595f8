"""How losses of single rows become what is returned."""

from __future__ import annotations

from torch import Tensor

from reacgan_plugin.options import one_of

REDUCTIONS = ('mean', 'none')


def reduce_rows(loss: Tensor, reduction: str, rows: float) -> Tensor:
    """Losses (N,) -> scalar mean, or themselves for ``'none'``.

    Args:
        rows: what the sum is divided by: N, or its average over ranks.

    Raises: ValueError for another reduction.
    """
    one_of('reduction', reduction, REDUCTIONS)
    return loss.sum() / rows if reduction == 'mean' else loss
