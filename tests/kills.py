"""Runs in forked processes that are killed at random, and resumed."""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path


def fork(main: Callable[[], int]) -> int:
    """Run ``main`` in a child that prints nothing; returns its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        silent = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(silent, stream)
        code = main()
    except BaseException:
        traceback.print_exc()
    os._exit(code)


class Killer:
    """Kills a run, by turns at a random time after its start, at one after it has begun
    to save, and while it writes a checkpoint.

    Args:
        folder: where the run saves.
        seed: of what is random.
    """

    def __init__(self, folder: Path, seed: int):
        self.folder, self.draw = folder, random.Random(seed)
        self.ways = (self._at_any_time, self._after_saving, self._while_saving)
        self.kills = 0

    def kill(self, main: Callable[[], int]) -> bool:
        """Run ``main`` in a child and kill it; returns whether that left a checkpoint
        half written."""
        self.leftovers = self._partial()
        self.child = fork(main)
        self.ways[self.kills % len(self.ways)]()
        os.kill(self.child, signal.SIGKILL)
        status = os.waitpid(self.child, 0)[1]
        assert os.WIFSIGNALED(status), f'the run had ended by itself, with {status}'
        self.kills += 1
        return bool(self._partial() - self.leftovers)

    def _at_any_time(self) -> None:
        time.sleep(self.draw.uniform(0, 1))

    def _after_saving(self) -> None:
        self._await_partial()
        time.sleep(self.draw.uniform(0, 0.3))

    def _while_saving(self) -> None:
        for _ in range(self.draw.randrange(2)):
            before = self._await_partial()
            while self._partial() & before:  # until it is whole
                time.sleep(0.001)
        self._await_partial()
        time.sleep(self.draw.uniform(0, 0.02))

    def _await_partial(self) -> set:
        while not (new := self._partial() - self.leftovers):
            if os.waitid(os.P_PID, self.child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
            time.sleep(0.001)
        return new

    def _partial(self) -> set[tuple[str, int]]:
        """Checkpoints that are half written, and when they were begun or grew."""
        found = set()
        for path in self.folder.glob('.iter_*.partial'):
            try:
                found.add((path.name, path.stat().st_mtime_ns))
            except FileNotFoundError:
                pass  # whole by now
        return found


def slow_saving(seconds: float) -> None:
    """Let what is written linger in this process before it is whole."""
    real = os.fsync

    def fsync(file) -> None:
        time.sleep(seconds)
        real(file)

    os.fsync = fsync
