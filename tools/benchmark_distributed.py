"""Two gloo processes against one: D's gradient, and what gathering costs.

Started by ``benchmark.py distributed``, which starts this file once for each rank.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from benchmark_measure import (
    equality,
    median_seconds,
    random_batch,
    training_step,
)
from benchmark_models import (
    biggan,
    gradients,
    optimizers,
    rows_of,
    without_batch_statistics,
)
from benchmark_rows import Report, faster, report

from reacgan_plugin import distributed
from reacgan_plugin.functional import d2d_cross_entropy

WORLD = 2
SECONDS = 900  # after which a rank is taken to hang


class Sizes(NamedTuple):
    batch: int  # of the discriminator, over both processes
    width: int
    loss_batch: int  # of the loss alone, on each process
    loss_width: int


SIZES = {
    'small': Sizes(batch=8, width=4, loss_batch=16, loss_width=8),
    'full': Sizes(batch=64, width=32, loss_batch=256, loss_width=512),
}


def measure(options) -> Report:
    sizes = SIZES[options.scale]
    seconds, two = of_two_processes(options)
    # as in each of the two: threads decide on the rounding of initial weights
    torch.set_num_threads(threads_of_rank(options.threads))
    size = f'{sizes.loss_batch} rows a process, D {sizes.loss_width}'
    rows = [
        *equality(
            f'discriminator, {WORLD} processes against one, B {sizes.batch}',
            two,
            discriminator_gradients(sizes),
            goal=1e-6,
        ),
        faster(
            f'D2D-CE over both processes against its own rows, {size}',
            seconds['gathered'],
            seconds['local'],
        ),
    ]
    return report(
        rows,
        f'Medians of {options.repeats} turns; {WORLD} processes by gloo. A '
        'difference is the largest of any parameter, relative in the L2 norm.',
    )


def discriminator_gradients(sizes: Sizes, rank: int = 0, world: int = 1) -> dict:
    """By type and name, after one update by this rank's share of the rows."""
    found = {}
    for dtype in (torch.float64, torch.float32):
        gan = without_batch_statistics(biggan(sizes.width).to(dtype))
        if world > 1:
            gan.distribute()
        own = (rows.chunk(world)[rank] for rows in rows_of(sizes.batch, dtype))
        gan.update_discriminator(*own, optimizers(gan, lr=0.0))
        found[dtype] = gradients(gan.discriminator)
    return found


def loss_seconds(sizes: Sizes, repeats: int) -> dict[str, float]:
    """Median times of the loss with and without the rows of other processes."""
    batch = random_batch(sizes.loss_batch, sizes.loss_width)
    step = {
        name: training_step(partial(d2d_cross_entropy, *batch, group=group), *batch[:2])
        for name, group in (
            ('gathered', distributed.default_group()),
            ('local', None),
        )
    }
    return median_seconds(repeats, **step)


def of_two_processes(options) -> tuple[dict[str, float], dict]:
    """What rank 0 of two processes found: seconds by name, gradients by name."""
    with tempfile.TemporaryDirectory() as folder:
        words = options.scale, str(options.repeats), str(options.threads), folder
        port = _free_port()
        processes = [_started(rank, port, words) for rank in range(WORLD)]
        try:
            _wait_for(processes)
        finally:
            for process in processes:
                process.kill()
        found = Path(folder, 'found.pt')
        if not found.is_file():
            raise SystemExit('the two processes left no result; see above')
        return torch.load(found, weights_only=True)


def _wait_for(processes: list[subprocess.Popen]) -> None:
    """Until all have ended or one has failed, for which the others would wait."""
    end = time.monotonic() + SECONDS
    while None in (codes := [process.poll() for process in processes]):
        if any(codes):
            return
        if time.monotonic() > end:
            raise SystemExit(f'a process did not end within {SECONDS} s')
        time.sleep(0.1)


def _started(rank: int, port: str, words) -> subprocess.Popen:
    variables = dict(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE=str(WORLD),
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=port,
        CUDA_VISIBLE_DEVICES='',  # gloo, whatever is there
    )
    command = [sys.executable, __file__, *words]
    return subprocess.Popen(command, env={**os.environ, **variables})


def _free_port() -> str:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return str(free.getsockname()[1])


def threads_of_rank(threads: int) -> int:
    """How many of the threads one of the two processes has."""
    return max(threads // WORLD, 1)


def run_rank(scale: str, repeats: str, threads: str, folder: str) -> None:
    """What each of the two processes does."""
    torch.set_num_threads(threads_of_rank(int(threads)))
    distributed.start_process_group('pytorch')
    sizes, rank = SIZES[scale], distributed.rank()
    found = discriminator_gradients(sizes, rank, WORLD)
    seconds = loss_seconds(sizes, int(repeats))
    if rank == 0:
        torch.save((seconds, found), Path(folder, 'found.pt'))
    distributed.end_process_group()
    sys.stdout.flush()


if __name__ == '__main__':
    run_rank(*sys.argv[1:])
    os._exit(0)  # gloo's threads may abort an ordinary exit after all work is done
