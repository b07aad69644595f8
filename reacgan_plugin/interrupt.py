"""Stopping at an iteration's end, where the state is whole, instead of inside one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

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


class BrokenOff(BaseException):
    """A piece of work was left half done, since the run was asked to stop. It comes up
    anywhere in it, so that, as KeyboardInterrupt, it is no Exception: what reads an
    image would take it for a fault of the file."""


class StopRequest:
    """While entered, Ctrl-C and SIGTERM only set ``requested``; a second Ctrl-C
    interrupts at once. Outside the main thread signals are left alone."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self):
        self.requested, self.breaks_off = False, False
        self._handlers: dict = {}
        # on the host, so that asking never waits for a GPU
        several = world_size() > 1
        self._group = dist.new_group(backend='gloo') if several else None

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in self.SIGNALS:
                self._handlers[number] = signal.signal(number, self._note)
        ENTERED.append(self)
        return self

    def __exit__(self, *error) -> None:
        ENTERED.remove(self)
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

    def reasons(self, own: str | None) -> list[str]:
        """Why processes stop, of those that say it, in the order of ranks; all must
        call it once they have agreed."""
        found = [own]
        if self._group is not None:
            found = [None] * world_size()
            dist.all_gather_object(found, own, group=self._group)
        return [reason for reason in found if reason]

    def _note(self, number: int, frame) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        if self.breaks_off:
            raise BrokenOff('asked to stop')


ENTERED: list[StopRequest] = []


@contextmanager
def breakable() -> Iterator[None]:
    """For long work that the run does not depend on: meanwhile a request raises
    BrokenOff. Several processes end such work together, and then stop."""
    request = ENTERED[-1] if ENTERED and world_size() == 1 else None
    if request is None:
        yield
        return
    request.breaks_off = True
    try:
        if request.requested:
            raise BrokenOff('asked to stop')
        yield
    finally:
        request.breaks_off = False
