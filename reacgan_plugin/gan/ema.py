"""Exponential moving average of a network, parameters and buffers."""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

import torch
from torch import nn

from reacgan_plugin.layers.modes import singular_vectors
from reacgan_plugin.options import in_range, one_of, whole


class Average(NamedTuple):
    """How the average of a network moves.

    Args:
        decay: factor of the old average in one iteration, or:
        half_life: thousands of images after which half of a weight is forgotten. With
            it buffers are copied, as StyleGAN2 does, not averaged.
        ramp_up: the half-life is at most this share of the images seen so far.
        start: iteration until which the average is a copy.

    Source: of half-life and ramp-up Karras et al. 2020 ("ADA"), appendix D.
    """

    decay: float = 0.9999
    half_life: float | None = None
    ramp_up: float | None = None
    start: int = 0

    def decay_at(self, iteration: int, batch: int) -> float:
        """Decay in an iteration, counted from 0, of ``batch`` images."""
        if iteration < self.start:
            return 0.0
        if self.half_life is None:
            return self.decay
        images = 1000 * self.half_life
        if self.ramp_up is not None:
            images = min(images, self.ramp_up * iteration * batch)
        return 0.5 ** (batch / images) if images else 0.0

    def move(
        self, average: nn.Module, module: nn.Module, iteration: int, batch: int
    ) -> None:
        """Move a network's average after an iteration of ``batch`` images."""
        copies = self.half_life is not None
        decay = self.decay_at(iteration, batch)
        update_average(average, module, decay, copy_buffers=copies)


def ema_settings(ema: dict | None, owner: str = 'model.ema') -> Average | None:
    """A config's ``ema`` with defaults; ValueError for a key or value not allowed, in
    which ``owner`` is whose setting it is."""
    if ema is None:
        return None
    for key in ema:
        one_of(f'{owner} key', key, Average._fields)
    for key, largest in (('decay', 1), ('half_life', None), ('ramp_up', None)):
        if ema.get(key) is not None:
            in_range(f'{owner}.{key}', ema[key], above=0, up_to=largest)
    if 'start' in ema:
        whole(f'{owner}.start', ema['start'], above=-1)
    if 'half_life' in ema and 'decay' in ema:
        raise ValueError(f'{owner} has decay and half_life; allowed: one of them')
    if 'ramp_up' in ema and 'half_life' not in ema:
        raise ValueError(f'{owner}.ramp_up shortens half_life, which is not given')
    return Average(**ema)


def averaged_copy(module: nn.Module) -> nn.Module:
    """A frozen copy in evaluation mode, where the average starts."""
    return deepcopy(module).requires_grad_(False).eval()


@torch.no_grad()
def update_average(
    average: nn.Module, module: nn.Module, decay: float, *, copy_buffers: bool = False
) -> None:
    """average <- decay x average + (1 - decay) x module.

    Floating-point buffers (batch norm statistics) are averaged like parameters unless
    they shall be copied. Copied are integer ones, and singular vectors: the mean of
    vectors that turn is shorter than 1, and the norm found by it too small, which
    nothing mends in an average that is never trained. Decay 0 copies.
    """
    vectors = {id(getattr(part, name)) for part, name in singular_vectors(average)}

    def is_averaged(buffer: torch.Tensor) -> bool:
        plain = buffer.is_floating_point() and id(buffer) not in vectors
        return plain and not copy_buffers

    buffers = list(zip(average.buffers(), module.buffers(), strict=True))
    floating = [pair for pair in buffers if is_averaged(pair[0])]
    averaged = [*zip(average.parameters(), module.parameters(), strict=True), *floating]
    torch._foreach_lerp_(*map(list, zip(*averaged, strict=True)), 1 - decay)
    copied = [pair for pair in buffers if not is_averaged(pair[0])]
    if copied:
        torch._foreach_copy_(*map(list, zip(*copied, strict=True)))
