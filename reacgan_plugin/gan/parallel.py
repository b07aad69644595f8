"""Two networks on several processes: gradients by DDP, statistics by averaging."""

from __future__ import annotations

import inspect
from contextlib import nullcontext

import torch
from torch import distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from reacgan_plugin.distributed import world_size

# torch 2.14 gave the setting another name
SETTINGS = inspect.signature(DistributedDataParallel).parameters
BROADCAST = (
    'forward_sync_buffers'
    if 'forward_sync_buffers' in SETTINGS
    else 'broadcast_buffers'
)


class Parallel:
    """Looks after the DDP wrappers of a model's networks.

    The wrappers stay outside the module tree, so that names in a state dict are the
    same on one process and on many.
    """

    def __init__(self):
        self.wrapped: dict[str, nn.Module] = {}

    def wrap(self, name: str, module: nn.Module) -> None:
        """Average the module's gradients over all processes from now on."""
        # torch's own broadcast of buffers would leave ranks unequal after a forward
        self.wrapped[name] = DistributedDataParallel(module, **{BROADCAST: False})

    def forward_of(self, name: str, module: nn.Module) -> nn.Module:
        """What to call where the module's gradients are wanted."""
        return self.wrapped.get(name, module)

    def synchronised(self, name: str, *, last: bool):
        """Let DDP average gradients in an update's last backward pass only."""
        if last or name not in self.wrapped:
            return nullcontext()
        return self.wrapped[name].no_sync()

    def average_buffers(self, name: str, module: nn.Module) -> None:
        """Make batch statistics and singular vectors equal on all processes."""
        if name in self.wrapped:
            average_buffers(module)


@torch.no_grad()
def average_buffers(module: nn.Module) -> None:
    """Replace every floating-point buffer by its mean over all processes."""
    buffers = [b for b in module.buffers() if b.is_floating_point()]
    if not buffers:
        return
    flat = torch.cat([b.flatten() for b in buffers])
    dist.all_reduce(flat)
    means = (flat / world_size()).split([b.numel() for b in buffers])
    torch._foreach_copy_(
        buffers, [m.view_as(b) for m, b in zip(means, buffers, strict=True)]
    )
