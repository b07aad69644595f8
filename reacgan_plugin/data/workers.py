"""Processes of a torch DataLoader: the main process alone hears signals, and they end
with it."""

from __future__ import annotations

import os
import signal
from multiprocessing import context, current_process


def leave_ctrl_c() -> None:
    """Ctrl-C reaches workers too; the main process decides what becomes of them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def leave_first_sigterm() -> None:
    """A launcher's SIGTERM reaches workers too; one that dies of it would end the run
    before the main process has saved its checkpoint. Only the first is passed over:
    python ends workers that are left over by another, and waits for them."""
    signal.signal(signal.SIGTERM, _listen_from_now_on)


def belong_to(main: int) -> None:
    """End this worker where its main process is gone. torch's workers notice when that
    goes, but not if it was so when they started: they would wait for ever."""
    of_a_server = isinstance(current_process(), context.ForkServerProcess)
    if os.getppid() != main and not of_a_server:  # a server ends what it has started
        os._exit(1)


def _listen_from_now_on(number: int, frame) -> None:
    signal.signal(number, signal.SIG_DFL)
