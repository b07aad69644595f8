"""Many training runs of two ranks, one after another; ends with 0 if all ranks did."""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot  # noqa: F401  # with all that a run imports, before the forks
import torch._dynamo  # noqa: F401
from forks import fork_ranks
from tiny_runs import arguments

import reacgan_plugin.components  # noqa: F401
import reacgan_plugin.runner  # noqa: F401
from reacgan_plugin import train

RUNS = 40

if __name__ == '__main__':
    folder = sys.argv[1]
    for run in range(RUNS):
        words = arguments(
            Path(folder, str(run)), '--launcher', 'pytorch', train_cfg__max_iters=2
        )
        sys.argv[1:] = words  # which main reads
        fork_ranks(2, train.main)
