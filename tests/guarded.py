"""The plainest training run that a guard can look after."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from mmengine.logging import MessageHub
from tiny_gan import batch, optimizers, plain_gan

from reacgan_plugin.checkpoint import write_checkpoint
from reacgan_plugin.distributed import rank
from reacgan_plugin.hooks import GuardHook


class GuardedRun:
    """A training run of the plainest model, in which a guard is the only hook."""

    def __init__(self, folder, guard: GuardHook, name='guarded', **options):
        torch.manual_seed(0)
        self.model, self.guard = plain_gan(**options), guard
        self.optimizers = optimizers(self.model)
        self.hooks, self.max_iters, self.iter = [guard], 10**9, 0
        self.work_dir, self.warnings, self.resumed = str(folder), [], []
        self.message_hub = MessageHub(f'{name}-{folder}')
        self.logger = SimpleNamespace(warning=self.warnings.append)
        guard.before_run(self)
        guard.before_train(self)

    def step(self, data=None):
        data = data or batch(4)
        self.guard.before_train_iter(self, self.iter, data)
        outputs = self.model.train_step(data, self.optimizers)
        self.guard.after_train_iter(self, self.iter, data, outputs)
        self.iter += 1

    def resume(self, path):
        self.resumed.append(path)

    def call_hook(self, name, **options):
        pass


def saved(runner, iteration: int) -> str:
    """A checkpoint with nothing in it that the run takes for its own."""
    path = f'{runner.work_dir}/iter_{iteration}.pth'
    if rank() == 0:
        write_checkpoint({}, path)
    runner.message_hub.update_info('last_ckpt', path)
    return path
