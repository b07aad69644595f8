"""An optim wrapper that scales losses, as for half precision, on a CPU."""

from __future__ import annotations

import torch
from mmengine.optim import OptimWrapper

from reacgan_plugin.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module(force=True)
class ScaledOnCPU(OptimWrapper):
    """mmengine's AmpOptimWrapper as far as a step and a checkpoint are concerned; the
    scale doubles after every other step."""

    def __init__(self, optimizer, **options):
        super().__init__(optimizer, **options)
        self.loss_scaler = torch.amp.GradScaler(
            'cpu', init_scale=8.0, growth_interval=2
        )

    def backward(self, loss, **options):
        self.loss_scaler.scale(loss).backward()

    def step(self, **options):
        self.loss_scaler.step(self.optimizer)
        self.loss_scaler.update()

    def state_dict(self) -> dict:
        return {**super().state_dict(), 'loss_scaler': self.loss_scaler.state_dict()}

    def load_state_dict(self, state_dict: dict) -> None:
        self.loss_scaler.load_state_dict(state_dict.pop('loss_scaler'))
        super().load_state_dict(state_dict)
