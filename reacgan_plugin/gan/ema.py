"""Exponential moving average of a generator, parameters and buffers."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn


def averaged_copy(module: nn.Module) -> nn.Module:
    """A frozen copy in evaluation mode, where the average starts."""
    return deepcopy(module).requires_grad_(False).eval()


@torch.no_grad()
def update_average(average: nn.Module, module: nn.Module, decay: float) -> None:
    """average <- decay x average + (1 - decay) x module.

    Floating-point buffers (batch norm statistics, singular vectors) are averaged like
    parameters, integer ones copied, as in the published runs. Decay 0 copies.
    """
    ours = [*average.parameters(), *average.buffers()]
    theirs = [*module.parameters(), *module.buffers()]
    pairs = list(zip(ours, theirs, strict=True))
    floating = [pair for pair in pairs if pair[0].is_floating_point()]
    averages, values = zip(*floating, strict=True)
    torch._foreach_lerp_(averages, [v.detach() for v in values], 1 - decay)
    for ours, theirs in pairs:
        if not ours.is_floating_point():
            ours.copy_(theirs)
