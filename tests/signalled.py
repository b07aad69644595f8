"""A hook with which a run in a process of its own is sent signals."""

from __future__ import annotations

import os
import signal
import threading
from functools import partial

from mmengine.hooks import Hook

from reacgan_plugin import distributed
from reacgan_plugin.evaluation.evaluator import ImageEvaluator
from reacgan_plugin.registry import HOOKS


def terminate(times: int = 1) -> None:
    """As Slurm does to a process that is to make room."""
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGTERM)


@HOOKS.register_module()
class SignalHook(Hook):
    """Sends SIGTERM to its own process.

    Args:
        at: where a run is: prepare, iteration, saving or evaluation.
        times: how often.
        ranks: the processes that are sent one.
    """

    def __init__(self, at: str = 'iteration', times: int = 1, ranks=(0, 1)):
        self.at, self.times, self.ranks = at, times, tuple(ranks)
        self.send = partial(terminate, times)

    def before_run(self, runner):
        if self.at == 'prepare':
            self.send()

    def before_train(self, runner):
        if self.at == 'saving':
            self._while(os, 'fsync', self.send)
        if self.at == 'evaluation':
            soon = threading.Timer(0.5, self.send)
            self._while(ImageEvaluator, 'evaluate', soon.start)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        sent = self.at == 'iteration' and batch_idx == 2
        if sent and distributed.rank() in self.ranks:
            self.send()

    def _while(self, holder, name: str, begin) -> None:
        """Begin something whenever a function is called."""
        real = getattr(holder, name)

        def called(*args, **kwargs):
            begin()
            return real(*args, **kwargs)

        setattr(holder, name, called)
