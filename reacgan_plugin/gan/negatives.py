"""With how many other samples a loss over pairs contrasts each one, for the log."""

from __future__ import annotations

from reacgan_plugin.batch import Batch
from reacgan_plugin.conditioning.base import Conditioning
from reacgan_plugin.conditioning.reacgan import HypersphereConditioning
from reacgan_plugin.conditioning.wrapper import Wrapper


def describe_negatives(loss: Conditioning, batch: Batch, exact: bool) -> str:
    """One sentence for the log; '' for losses that do not contrast samples.

    Args:
        loss: the conditioning; of one around another, the inner one counts.
        batch: how the total batch size is shared out.
        exact: whether accumulation contrasts with the other micro-batches, too.
    """
    while isinstance(loss, Wrapper):
        loss = loss.method
    if not isinstance(loss, HypersphereConditioning):
        return ''
    processes = batch.world_size if loss.gather else 1
    micro_batches = batch.accumulation if exact else 1
    contrasted = batch.micro_batch * micro_batches * processes
    return (
        f'{type(loss).__name__} contrasts each sample with {contrasted - 1} others: '
        f'{_factors(batch, micro_batches, processes)}, less the sample itself'
        f'{_left_out(batch, micro_batches, processes)}'
    )


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
