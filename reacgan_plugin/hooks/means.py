"""Running means of what a step returns, kept on the device between two log lines."""

from __future__ import annotations

import resource
import sys
import time

import torch
from mmengine.hooks import LoggerHook, RuntimeInfoHook
from torch import Tensor


class RunningMeansHook(RuntimeInfoHook):
    """Hands means of the step's outputs to the log at the logger's interval.

    mmengine's own hook reads every output on the host in every iteration, which makes
    the host wait for the device each time. Learning rates are noted at the interval
    too. Adds ``images_per_second``, real images over all processes, and without a GPU
    ``memory``, this process's peak in MB.
    """

    priority = 'VERY_HIGH'

    def __init__(self):
        self.sums: dict = {}

    def before_train(self, runner) -> None:
        super().before_train(runner)
        loggers = [hook for hook in runner.hooks if isinstance(hook, LoggerHook)]
        self.interval = loggers[0].interval if loggers else 50
        self.sums = {}
        self._start_over()

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        if self.every_n_inner_iters(batch_idx, self.interval):
            super().before_train_iter(runner, batch_idx, data_batch)
        else:
            runner.message_hub.update_info('iter', runner.iter)

    def after_train_iter(
        self, runner, batch_idx: int, data_batch=None, outputs: dict | None = None
    ) -> None:
        for name, value in (outputs or {}).items():
            value = value.detach() if isinstance(value, Tensor) else value
            self.sums[name] = self.sums.get(name, 0) + value
        self.count += 1
        if not self.every_n_inner_iters(batch_idx, self.interval):
            return
        hub = runner.message_hub
        for name, total in self.sums.items():
            hub.update_scalar(f'train/{name}', float(total) / self.count)
        images = self.count * runner.batch.images_per_iteration
        seconds = time.perf_counter() - self.since
        hub.update_scalar('train/images_per_second', images / seconds)
        if not torch.cuda.is_available():  # else mmengine's line has the GPU's
            hub.update_scalar('train/memory', peak_memory())
        hub.update_scalar('iteration', batch_idx + 1)  # for curves, not for the line
        self._start_over()

    def leave_out(self, seconds: float) -> None:
        """Time that went into something else than training."""
        self.since += seconds

    def _start_over(self) -> None:
        # a term of some iterations only, a lazy penalty, is 0 where it is absent
        self.sums = dict.fromkeys(self.sums, 0)
        self.count = 0
        self.since = time.perf_counter()


def peak_memory() -> float:
    """Largest resident memory of this process so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == 'darwin' else peak / 2**10
