"""How a tool ends: one line for what is wrong, and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Container
from typing import NoReturn

from reacgan_plugin import distributed


def refuse(problem) -> int:
    """Say in one line what is wrong; the exit code of a tool that did not begin."""
    print(f'error: {problem}', file=sys.stderr)
    return 2


def leave(
    run: Callable[[], int], *, together: Container[int], crashed: int
) -> NoReturn:
    """Run a tool, in one process of several perhaps, and leave the process with its
    exit code.

    Args:
        run: the tool.
        together: codes with which every process has come to its end, so that the
            process group may be ended; with others some may be elsewhere.
        crashed: the code of an error that nobody expected. One process alone raises
            it; several must not wait for this one.
    """
    try:
        code = run()
    except Exception:
        if distributed.world_size() == 1:
            raise
        traceback.print_exc()
        code = crashed
    if distributed.world_size() == 1:
        sys.exit(code)
    if code in together:
        distributed.end_process_group()
    # gloo's threads may abort a process that ends the usual way
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
