"""One rank of test_distributed.py: gathers, and gradients under DDP, into a file."""

from __future__ import annotations

import os
import sys
from functools import partial

import torch
from golden_files import load
from torch import distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from reacgan_plugin.distributed import (
    default_group,
    end_process_group,
    gather_rows,
    rank,
    start_process_group,
    world_size,
)
from reacgan_plugin.functional import conditional_contrastive, d2d_cross_entropy

# With the margin and the temperature of the golden files.
d2d = partial(d2d_cross_entropy, margin=0.98, temperature=0.5)
LOSSES = {
    'paper': d2d,
    'studiogan': partial(d2d, formula='studiogan'),
    'blocks': partial(d2d, block_size=3),
    '2c': partial(conditional_contrastive, temperature=0.5),
}


class Encoder(nn.Module):
    """The two weights of the ddp_* golden files."""

    def __init__(self, golden):
        super().__init__()
        self.encoder = nn.Parameter(golden['encoder_weight'].clone())
        self.embedding = nn.Parameter(golden['embedding_weight'].clone())

    def forward(self, x, label):
        return x @ self.encoder.T, self.embedding[label]


def own(rows):
    """This rank's share of the rows."""
    return rows.chunk(world_size())[rank()]


def losses_and_gradients(golden, group) -> dict[str, torch.Tensor]:
    """Of every loss: this rank's value and the gradients of both weights."""
    results = {}
    x, label = own(golden['x']), own(golden['label'])
    for name, loss_function in LOSSES.items():
        model = Encoder(golden)
        wrapped = model if group is None else DistributedDataParallel(model)
        loss = loss_function(*wrapped(x, label), label, group=group)
        loss.backward()
        results[f'{name}.loss'] = loss.detach()
        results[f'{name}.encoder'] = model.encoder.grad
        results[f'{name}.embedding'] = model.embedding.grad
    return results


def gathers(group) -> dict[str, torch.Tensor]:
    """Rows tagged with their rank; each rank weighs gathered row j by rank + j."""
    rows = torch.full((2, 3), float(rank()), requires_grad=True)
    gathered = gather_rows(rows, group)
    weight = rank() + torch.arange(len(gathered), dtype=torch.float32)
    (gathered * weight[:, None]).sum().backward()
    # A transpose is not contiguous, which collectives would refuse.
    transposed = torch.tensor([[rank(), 1], [rank(), 2]]).T
    return {
        'rows': gathered.detach(),
        'gathered_has_a_graph': gathered.requires_grad,
        'rows_gradient': rows.grad,
        'labels': gather_rows(torch.tensor([rank(), 10 + rank()]), group),
        'transposed': gather_rows(transposed, group),
    }


def main(launcher: str, golden_name: str, folder: str) -> None:
    torch.set_num_threads(1)
    start_process_group(launcher)
    results = losses_and_gradients(load(golden_name)[0], dist.group.WORLD)
    results |= gathers(dist.group.WORLD)
    has_group = (default_group() is not None, world_size())
    torch.save((has_group, results), f'{folder}/{rank()}.pt')
    end_process_group()
    sys.stdout.flush()


if __name__ == '__main__':
    main(*sys.argv[1:])
    os._exit(0)  # gloo's threads may abort an ordinary exit after all work is done
