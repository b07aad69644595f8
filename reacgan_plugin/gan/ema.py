"""Exponential moving average of a generator, parameters and buffers."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn

from reacgan_plugin.options import in_range, one_of


def ema_settings(ema: dict | None) -> dict | None:
    """A config's ``ema`` with defaults; ValueError for a key or value not allowed."""
    if ema is None:
        return None
    for key in ema:
        one_of('model.ema key', key, ('decay', 'start'))
    settings = {'decay': 0.9999, 'start': 0, **ema}
    in_range('model.ema.decay', settings['decay'], above=0, up_to=1)
    return settings


def averaged_copy(module: nn.Module) -> nn.Module:
    """A frozen copy in evaluation mode, where the average starts."""
    return deepcopy(module).requires_grad_(False).eval()


@torch.no_grad()
def update_average(average: nn.Module, module: nn.Module, decay: float) -> None:
    """average <- decay x average + (1 - decay) x module.

    Floating-point buffers (batch norm statistics, singular vectors) are averaged like
    parameters, integer ones copied, as in the published runs. Decay 0 copies.
    """
    averages = [*average.parameters(), *average.buffers()]
    values = [*module.parameters(), *module.buffers()]
    pairs = list(zip(averages, values, strict=True))
    floating = [pair for pair in pairs if pair[0].is_floating_point()]
    torch._foreach_lerp_(*map(list, zip(*floating, strict=True)), 1 - decay)
    for integer, value in pairs:
        if not integer.is_floating_point():
            integer.copy_(value)
