"""One rank of test_gan/test_conditioned.py: gradients under DDP, into a file."""

from __future__ import annotations

import os
import sys

import torch
from foreign_discriminators import PARALLEL, gradients, refusal_of_a_wrapped_one

from reacgan_plugin.distributed import (
    end_process_group,
    rank,
    start_process_group,
    world_size,
)


def main(folder: str) -> None:
    torch.set_num_threads(1)
    start_process_group('pytorch')
    results = {name: gradients(name, rank(), world_size()) for name in PARALLEL}
    torch.save((results, refusal_of_a_wrapped_one()), f'{folder}/{rank()}.pt')
    end_process_group()
    sys.stdout.flush()


if __name__ == '__main__':
    main(sys.argv[1])
    os._exit(0)  # gloo's threads may abort an ordinary exit after all work is done
