"""One update of a network from micro-batches, whose gradients are averaged.

Negatives and batch statistics stay inside a micro-batch, as in the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from reacgan_plugin.gan.parallel import Parallel
from reacgan_plugin.gan.terms import mean, total


def accumulated_update(
    terms_of: Callable[..., dict[str, Tensor]],
    rows: Sequence[Tensor],
    *,
    name: str,
    optimizer,
    accumulation: int,
    parallel: Parallel,
) -> dict[str, Tensor]:
    """Zero, accumulate and step; returns detached means of the terms and their loss.

    Args:
        terms_of: the objective's terms of a micro-batch.
        rows: tensors with N rows each, N a multiple of ``accumulation``.
        name: of the network that is updated.
        optimizer: its mmengine optim wrapper.
        accumulation: number of micro-batches.
        parallel: averages gradients over processes, in the last one only.
    """
    optimizer.zero_grad()
    parts = list(zip(*(r.chunk(accumulation) for r in rows), strict=True))
    results = []
    for number, part in enumerate(parts, start=1):
        with parallel.synchronised(name, last=number == len(parts)):
            terms = terms_of(*part)
            loss = total(terms)
            optimizer.backward(loss / len(parts))
        results.append({'loss': loss, **terms})
    optimizer.step()
    return mean(results)
