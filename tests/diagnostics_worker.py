"""Diagnostics of one global batch on one process and on two, into files."""

from __future__ import annotations

import sys
from functools import partial

import torch
import torch._dynamo  # which DDP imports, in the forks of this process
from forks import fork_ranks
from tiny_gan import batch, plain_gan
from tiny_methods import METHODS

from reacgan_plugin.diagnostics import diagnose
from reacgan_plugin.distributed import (
    end_process_group,
    rank,
    start_process_group,
    world_size,
)

ROWS = 8
NAMES = ('D2DCE', '2C', 'AC', 'PD', 'TAC(AC)')


def main(folder: str) -> None:
    torch.set_num_threads(1)
    start_process_group('pytorch')
    found, rows = {}, torch.arange(ROWS).chunk(world_size())[rank()]
    for name in NAMES:
        torch.manual_seed(0)
        gan = plain_gan(loss=METHODS[name]()).train()
        data = {key: value[rows] for key, value in batch(ROWS).items()}
        found[name] = diagnose(gan, data)
    torch.save(found, f'{folder}/{world_size()}-{rank()}.pt')
    end_process_group()


if __name__ == '__main__':
    for world in (1, 2):
        fork_ranks(world, partial(main, sys.argv[-1]))
