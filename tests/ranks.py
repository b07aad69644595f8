"""Processes of one group on this machine, each of which writes what it found."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch

TESTS = Path(__file__).parent


def torchrun_variables(rank: int, world: int, port: str) -> dict[str, str]:
    """What torchrun sets for a rank."""
    return {
        'RANK': str(rank),
        'LOCAL_RANK': str(rank),
        'WORLD_SIZE': str(world),
        'MASTER_ADDR': '127.0.0.1',
        'MASTER_PORT': port,
    }


def free_port() -> str:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return str(free.getsockname()[1])


def run_ranks(
    *command: str, world: int, folder, variables: Callable = torchrun_variables
) -> list:
    """Results of every rank, in rank order; what counts is the file of each, not how
    its process ended."""
    port = free_port()
    environment = {
        **os.environ,
        'PYTHONPATH': os.pathsep.join([str(TESTS.parent), str(TESTS)]),
        'OMP_NUM_THREADS': '1',
    }
    processes = [
        subprocess.Popen(
            [sys.executable, *command, str(folder)],
            cwd=TESTS,
            env={**environment, **variables(rank, world, port)},
        )
        for rank in range(world)
    ]
    try:
        for process in processes:
            process.wait(timeout=120)
    finally:
        for process in processes:
            process.kill()
    return [torch.load(Path(folder) / f'{rank}.pt') for rank in range(world)]
