"""Running means of what a step returns, kept on the device between two log lines."""

from __future__ import annotations

import resource
import sys
import time

import torch
from mmengine.hooks import LoggerHook, RuntimeInfoHook
from torch import Tensor
from torch import distributed as dist

from reacgan_plugin.distributed import world_size


class RunningMeansHook(RuntimeInfoHook):
    """Hands means of the step's outputs to the log at the logger's interval.

    mmengine's own hook reads every output on the host in every iteration, which makes
    the host wait for the device each time, and of the first process alone; here they
    are means over all of them. Learning rates are noted at the interval
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
        # a resumed run says 0 of lazy terms, too, where the one before it has said so
        self.sums = dict.fromkeys(terms_of(runner.message_hub), 0)
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
        for name, total in over_ranks(self.sums).items():
            hub.update_scalar(f'train/{name}', total / self.count)
        images = self.count * runner.batch.images_per_iteration
        seconds = time.perf_counter() - self.since
        hub.update_scalar('train/images_per_second', images / seconds)
        if not torch.cuda.is_available():  # else mmengine's line has the GPU's
            hub.update_scalar('train/memory', peak_memory())
        hub.update_scalar('iteration', batch_idx + 1)  # for curves, not for the line
        self._start_over()

    def after_rollback(self, runner) -> None:
        """Called by the ``GuardHook``: what was summed up did not happen."""
        self._start_over()

    def leave_out(self, seconds: float) -> None:
        """Time that went into something else than training."""
        self.since += seconds

    def _start_over(self) -> None:
        # a term of some iterations only, a lazy penalty, is 0 where it is absent
        self.sums = dict.fromkeys(self.sums, 0)
        self.count = 0
        self.since = time.perf_counter()


def over_ranks(values: dict[str, Tensor | float]) -> dict[str, float]:
    """Means over all processes, as numbers: of losses those of the whole batch.

    Every process calls it, with values of the same names.
    """
    device = next((v.device for v in values.values() if isinstance(v, Tensor)), 'cpu')
    numbers = [
        torch.as_tensor(value, dtype=torch.float64, device=device)
        for value in values.values()
    ]
    if not numbers:
        return {}
    means = torch.stack(numbers)
    if world_size() > 1:
        dist.all_reduce(means)
    return dict(zip(values, (means / world_size()).tolist(), strict=True))


def terms_of(message_hub) -> list[str]:
    """Names of a step's outputs, ``d/...`` and the like, that were logged before."""
    logged = (name.partition('train/')[2] for name in message_hub.log_scalars)
    return [name for name in logged if '/' in name]


def peak_memory() -> float:
    """Largest resident memory of this process so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == 'darwin' else peak / 2**10
