"""One rank of test_augment/test_strength.py: strengths after some iterations."""

from __future__ import annotations

import os
import sys

import torch

from reacgan_plugin.augment.strength import AdaptiveStrength
from reacgan_plugin.distributed import end_process_group, rank, start_process_group


def main(folder: str) -> None:
    torch.set_num_threads(1)
    start_process_group('pytorch')
    adaptive = AdaptiveStrength(target=0.2, interval=2, kimg=0.1)
    # of three images each, all seem real on one rank and two of three on the other
    signs = torch.tensor([1.0, 1, 1]) if rank() else torch.tensor([1.0, -1, 1])
    results = []
    for iteration in range(3):
        adaptive.observe(signs)
        sign = adaptive.update(iteration)
        state = {name: value.clone() for name, value in adaptive.state_dict().items()}
        results.append({'sign': sign, **state})
    torch.save(results, f'{folder}/{rank()}.pt')
    end_process_group()
    sys.stdout.flush()


if __name__ == '__main__':
    main(sys.argv[1])
    os._exit(0)  # gloo's threads may abort an ordinary exit after all work is done
