"""Stopping at an iteration's end, where the state is whole, instead of inside one."""

from __future__ import annotations

import signal
import threading

import torch
from torch import distributed as dist

from reacgan_plugin.distributed import world_size


class Interrupted(Exception):
    """A run was stopped on request.

    Args:
        checkpoint: path of what was saved.
        iteration: how many iterations are done.
    """

    def __init__(self, checkpoint: str, iteration: int):
        super().__init__(f'stopped after iteration {iteration}')
        self.checkpoint, self.iteration = checkpoint, iteration


class StopRequest:
    """While entered, Ctrl-C and SIGTERM only set ``requested``; a second Ctrl-C
    interrupts at once. Outside the main thread signals are left alone."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self):
        self.requested = False
        self._handlers: dict = {}
        # on the host, so that asking never waits for a GPU
        several = world_size() > 1
        self._group = dist.new_group(backend='gloo') if several else None

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in self.SIGNALS:
                self._handlers[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def agreed(self) -> bool:
        """Whether any process was asked to stop; all must call it, and all stop after
        the same iteration, since one that went on alone would wait for the others."""
        if self._group is None:
            return self.requested
        flag = torch.tensor(int(self.requested))
        dist.all_reduce(flag, op=dist.ReduceOp.MAX, group=self._group)
        return bool(flag)

    def _note(self, number: int, frame) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
