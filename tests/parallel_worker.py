"""One rank of test_gan/test_parallel.py: what Parallel does, into a file."""

from __future__ import annotations

import os
import sys

import torch
from parallel_gans import CASES, updated
from torch import nn

from reacgan_plugin.distributed import (
    end_process_group,
    rank,
    start_process_group,
    world_size,
)
from reacgan_plugin.gan.parallel import Parallel, average_buffers
from reacgan_plugin.hooks.means import over_ranks


class Statistics(nn.Module):
    """Buffers of two types and shapes that differ by rank."""

    def __init__(self):
        super().__init__()
        self.register_buffer('narrow', torch.full((2, 3), 1.0 + rank()))
        self.register_buffer('wide', torch.arange(4, dtype=torch.float64) * 10 * rank())
        self.register_buffer('count', torch.tensor(rank() + 5))
        self.weight = nn.Parameter(torch.full((2,), float(rank())))


def averaged() -> dict[str, torch.Tensor]:
    """State of a module with buffers, one without, after averaging."""
    module = Statistics()
    average_buffers(module)
    average_buffers(nn.Linear(2, 2))  # has none, and must not wait for anybody
    return module.state_dict()


class Holder(nn.Module):
    """What a model is to Parallel: the owner of a network and of its wrapper."""

    def __init__(self):
        super().__init__()
        self.network = nn.Linear(1, 1, bias=False)
        self.parallel = Parallel()
        self.parallel.wrap('network', self.network)


def accumulated() -> dict:
    """Gradients of one weight after each of two backward passes of an update."""
    holder, results = Holder(), {}
    for number in (1, 2):
        with holder.parallel.synchronised('network', last=number == 2):
            row = torch.tensor([[10.0 * number + rank()]])
            forward = holder.parallel.forward_of('network', holder.network)
            forward(row).sum().backward()
        results[f'gradient_{number}'] = holder.network.weight.grad.clone()
    return {**results, 'names': list(holder.state_dict())}


def ranked() -> dict[str, torch.Tensor]:
    """Buffers after Parallel's own averaging, of a network wrapped and one not."""
    results = {}
    for wrapped in (True, False):
        module, parallel = Statistics(), Parallel()
        if wrapped:
            parallel.wrap('network', module)
        module.narrow.fill_(rank())
        parallel.average_buffers('network', module)
        results['wrapped' if wrapped else 'bare'] = module.narrow
    return results


def logged() -> dict[str, float]:
    """What the log has of terms that differ by rank."""
    return over_ranks({'d/loss': torch.tensor(3.0 + rank()), 'd/skipped': rank()})


def main(folder: str) -> None:
    torch.set_num_threads(1)
    start_process_group('pytorch')
    results = dict(averaged=averaged(), accumulated=accumulated(), ranked=ranked())
    results['logged'] = logged()
    results['gans'] = {name: updated(name, rank(), world_size()) for name in CASES}
    torch.save(results, f'{folder}/{rank()}.pt')
    end_process_group()
    sys.stdout.flush()


if __name__ == '__main__':
    main(sys.argv[1])
    os._exit(0)  # gloo's threads may abort an ordinary exit after all work is done
