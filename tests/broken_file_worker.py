"""Two ranks train on files of which only rank 1 meets a broken one; how each ended, and
what it said, into files: as configs are, or with ``SkipBroken``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch._dynamo  # noqa: F401  # which DDP imports, in the forks of this process
from forks import fork_ranks
from PIL import Image
from tiny_runs import ROOT

import reacgan_plugin.components  # noqa: F401
import reacgan_plugin.runner  # noqa: F401
from reacgan_plugin import train
from reacgan_plugin.data.skip_broken import SkipBroken
from reacgan_plugin.registry import DATASETS

CONFIGS = dict(stop='broken_file.py', skip='broken_file_skipped.py')


def write_data(root: Path, broken: Sequence[str] = ('5/1.png',)) -> None:
    """Ten classes of four images. Of the eight of an iteration, the later four are rank
    1's: the 22nd comes to it in the third."""
    for index in range(40):
        path = root / f'{index // 4}' / f'{index % 4}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((8, 8), index * 6, dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    for name in broken:
        (root / name).write_bytes((root / name).read_bytes()[:50])


def ended(folder: Path, kind: str) -> None:
    """One rank: its standard error, then the seconds it took and its exit code."""
    rank = os.environ['RANK']
    errors = os.open(folder / f'{rank}.txt', os.O_CREAT | os.O_WRONLY)
    os.dup2(errors, 2)
    config = str(ROOT / 'tests' / 'configs' / CONFIGS[kind])
    flags = ['--work-dir', str(folder / 'work'), '--launcher', 'pytorch']
    started = time.time()
    code = train.run([config, *flags])
    seconds = time.time() - started
    print(f'\n{seconds}\n{code}', file=sys.stderr, flush=True)


def main(kind: str, folder: Path) -> None:
    if 'SkipBroken' not in DATASETS.module_dict:
        DATASETS.register_module(name='SkipBroken', module=SkipBroken)
    write_data(folder / 'data')
    os.environ['BROKEN_FILE_DATA'] = str(folder / 'data')
    fork_ranks(2, partial(ended, folder, kind))


if __name__ == '__main__':
    main(sys.argv[1], Path(sys.argv[2]))
