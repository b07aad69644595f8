"""With how many other samples a loss over pairs contrasts each one, for the log."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reacgan_plugin.batch import Batch
from reacgan_plugin.conditioning.base import Conditioning
from reacgan_plugin.conditioning.contragan import ConditionalContrastiveLoss
from reacgan_plugin.conditioning.reacgan import HypersphereConditioning
from reacgan_plugin.conditioning.wrapper import Wrapper

OFTEN = 0.01  # of all batches


def describe_negatives(loss: Conditioning, batch: Batch, exact: bool) -> str:
    """One sentence for the log; '' for losses that do not contrast samples.

    Args:
        loss: the conditioning; of one around another, the inner one counts.
        batch: how the total batch size is shared out.
        exact: whether accumulation contrasts with the other micro-batches, too.
    """
    loss = _over_pairs(loss)
    if loss is None:
        return ''
    processes, micro_batches = _parts(loss, batch, exact)
    contrasted = batch.micro_batch * micro_batches * processes
    return (
        f'{type(loss).__name__} contrasts each sample with {contrasted - 1} others: '
        f'{_factors(batch, micro_batches, processes)}, less the sample itself'
        f'{_left_out(batch, micro_batches, processes)}'
    )


def describe_weak_signal(
    loss: Conditioning, batch: Batch, exact: bool, shares: Sequence[float]
) -> list[str]:
    """A sentence for each reason why a loss over pairs learns little of the reals.

    Args:
        loss, batch, exact: as of :func:`describe_negatives`.
        shares: (K,) how often a real image is of a class; they sum to one.
    """
    loss = _over_pairs(loss)
    if loss is None:
        return []
    processes, micro_batches = _parts(loss, batch, exact)
    rows, shares = batch.micro_batch * micro_batches * processes, np.asarray(shares)
    name, said = type(loss).__name__, []
    of_one_class = float((shares**rows).sum())
    if of_one_class >= OFTEN:
        said.append(
            f'{name} contrasts {rows} sample(s) at a time, and {of_one_class:.0%} of '
            'the time all of them are of one class: it then has no negatives, and '
            'neither value nor gradient; a larger total_batch_size helps'
        )
    pairs = rows * (rows - 1) / 2 * float((shares**2).sum())
    if isinstance(loss, ConditionalContrastiveLoss) and pairs < 1:
        said.append(
            f'{name} attracts samples of one class to each other, but of the {rows} '
            f'that it contrasts at a time only {pairs:.2g} pair(s) are of one class on '
            'average; a larger total_batch_size helps'
        )
    return said


def _over_pairs(loss: Conditioning) -> HypersphereConditioning | None:
    """The loss, or the one that it is around, if it contrasts samples."""
    while isinstance(loss, Wrapper):
        loss = loss.method
    return loss if isinstance(loss, HypersphereConditioning) else None


def _parts(loss: HypersphereConditioning, batch: Batch, exact: bool) -> tuple[int, int]:
    """Processes and micro-batches whose samples are contrasted together."""
    processes = batch.world_size if loss.gather else 1
    return processes, batch.accumulation if exact else 1


def _factors(batch: Batch, micro_batches: int, processes: int) -> str:
    factors = [f'micro-batch of {batch.micro_batch}']
    if micro_batches > 1:
        factors.append(f'{micro_batches} accumulated')
    if processes > 1:
        factors.append(f'{processes} processes')
    return ' x '.join(factors)


def _left_out(batch: Batch, micro_batches: int, processes: int) -> str:
    """Which samples of the total batch are no negatives, and by which setting."""
    reasons = []
    if micro_batches < batch.accumulation:
        reasons.append("accumulation_mode='plain'")
    if processes < batch.world_size:
        reasons.append('gather=False')
    if not reasons:
        return ''
    return f'; the rest of the {batch.total} is left out by {" and ".join(reasons)}'
