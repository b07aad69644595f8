"""Two ranks of which some are sent SIGTERM; exit code and seconds of each in files."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path

import sklearn.datasets  # noqa: F401  # with all that a run imports, before the forks
import torch._dynamo  # noqa: F401
from forks import fork_ranks
from tiny_runs import ROOT, plain_dumps

import reacgan_plugin.components  # noqa: F401
import reacgan_plugin.runner  # noqa: F401
from reacgan_plugin import train

CONFIG = str(ROOT / 'tests' / 'configs' / 'signalled.py')


def ended(folder: Path, sent: str) -> None:
    """One rank."""
    plain_dumps()
    flags = ['--work-dir', str(folder / 'work'), '--launcher', 'pytorch']
    ranks = f'custom_hooks.0.ranks=[{sent}]'
    started = time.time()
    code = train.run([CONFIG, *flags, '--cfg-options', ranks])
    result = folder / f'{os.environ["RANK"]}.txt'
    result.write_text(f'{code} {time.time() - started}')


if __name__ == '__main__':
    fork_ranks(2, partial(ended, Path(sys.argv[2]), sys.argv[1]))
