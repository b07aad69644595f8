"""One rank of test_integrations/test_metric_learning.py: gradients, into a file."""

from __future__ import annotations

import os
import sys

import torch
from pytorch_metric_learning.utils.distributed import DistributedLossWrapper
from torch import nn

from reacgan_plugin.distributed import (
    end_process_group,
    rank,
    start_process_group,
    world_size,
)
from reacgan_plugin.integrations.metric_learning import D2DCEMetricLoss


def gradients() -> dict[str, torch.Tensor]:
    """Of a trunk and of proxies, by this rank's share of the rows."""
    torch.manual_seed(0)
    called = trunk = nn.Linear(5, 4, bias=False)
    wrapped = loss = D2DCEMetricLoss(3, 4)
    if world_size() > 1:
        called = nn.parallel.DistributedDataParallel(trunk)
        wrapped = DistributedLossWrapper(loss)
    rows, labels = torch.randn(8, 5), torch.tensor([0, 1, 2, 0, 1, 2, 2, 1])
    own = slice(rank(), None, world_size())
    wrapped(called(rows[own]), labels[own]).backward()
    return {'trunk': trunk.weight.grad, 'proxies': loss.proxies.grad}


def main(folder: str) -> None:
    torch.set_num_threads(1)
    start_process_group('pytorch')
    torch.save(gradients(), f'{folder}/{rank()}.pt')
    end_process_group()
    sys.stdout.flush()


if __name__ == '__main__':
    main(sys.argv[1])
    os._exit(0)  # gloo's threads may abort an ordinary exit after all work is done
