"""What any process has found, on all of them alike."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import distributed as dist

from reacgan_plugin.distributed import default_group, world_size


def agreed(found: Sequence, device) -> list:
    """For each place the least of the things that processes have found there, None
    where none has. All processes must call it with equally many places.

    Args:
        found: this process's own, None for nothing; may be pickled and compared.
        device: of the process group's tensors.

    As long as there is nothing it costs one small message and the wait for it.
    """
    if default_group() is None:
        return list(found)
    anything = any(thing is not None for thing in found)
    flag = torch.tensor(int(anything), device=device)
    dist.all_reduce(flag, op=dist.ReduceOp.MAX)
    if not flag:
        return list(found)
    everyone: list = [None] * world_size()
    dist.all_gather_object(everyone, list(found))
    return [
        min((thing for thing in things if thing is not None), default=None)
        for things in zip(*everyone, strict=True)
    ]
