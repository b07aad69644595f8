"""Ranks as forks of one process on this machine: what takes seconds to import is
imported once, however many ranks and groups there are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import torch
from ranks import TESTS, free_port, torchrun_variables


def fork_ranks(world: int, main: Callable[[], None]) -> None:
    """Run ``main`` in every rank of a world, each with the variables of torchrun.

    Called by a worker that has imported everything and started no thread.
    """
    port = free_port()
    children = [_forked(torchrun_variables(r, world, port), main) for r in range(world)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    if any(codes):
        sys.exit(f'the {world} ranks ended with {codes}')


def _forked(variables: dict[str, str], main: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.environ.update(variables)
        main()
        code = 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code)  # gloo's threads may abort an ordinary exit after all work is done


def run_forks(*command: str, folder, timeout: int = 120) -> int:
    """Run a worker that forks its ranks; returns its exit code, 0 if all ended well."""
    environment = {
        **os.environ,
        'PYTHONPATH': os.pathsep.join([str(TESTS.parent), str(TESTS)]),
        'OMP_NUM_THREADS': '1',
    }
    process = subprocess.Popen(
        [sys.executable, *command, str(folder)],
        cwd=TESTS,
        env=environment,
        start_new_session=True,
    )
    try:
        return process.wait(timeout)
    finally:
        _end_session(process.pid)


def results_of(folder, world: int) -> list:
    """What each rank has written as ``RANK.pt``, in rank order."""
    return [torch.load(Path(folder, f'{rank}.pt')) for rank in range(world)]


def _end_session(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass  # all have ended
