"""Files that a run can do without: a full disk costs pictures and logs, not the run."""

from __future__ import annotations

import logging
import sys
from functools import partial

from mmengine.hooks import CheckpointHook

# hooks called while there is something to lose
IN_MID_RUN = {
    'before_train_iter',
    'after_train_iter',
    'after_train_epoch',
    'after_train',
    'after_run',
    'after_diagnostics',
    'after_evaluation',
}


class Unwritten:
    """Calls hooks; what they cannot write is a warning, once for each reason.

    A checkpoint that cannot be written is an error: hours that nobody could go on from
    would be lost.
    """

    def __init__(self):
        self.said: set[str] = set()

    def call(self, runner, point: str, **options) -> None:
        """Call a point of all hooks.

        Raises: what hooks raise, but for OSErrors of those that save no checkpoint.
        """
        for hook in runner.hooks:
            if not hasattr(hook, point):
                continue
            try:
                getattr(hook, point)(runner, **options)
            except OSError as error:
                if isinstance(hook, CheckpointHook):
                    raise
                self._note(runner.logger, f'{type(hook).__name__}: {error}')

    def _note(self, logger: logging.Logger, problem: str) -> None:
        if problem not in self.said:
            self.said.add(problem)
            logger.warning(f'{problem}; training goes on without it')


def without_lines(logger: logging.Logger) -> logging.Logger:
    """The logger, made to leave out lines that cannot be written; python would print a
    traceback in place of each."""
    for handler in logger.handlers:
        handler.handleError = partial(_left_out, handler)
    return logger


def _left_out(handler: logging.Handler, record: logging.LogRecord) -> None:
    if not isinstance(sys.exc_info()[1], OSError):
        logging.Handler.handleError(handler, record)
