"""Minibatch standard deviation (Karras et al. 2018, "PGGAN", section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reacgan_plugin.functional.precision import full_precision
from reacgan_plugin.options import in_range

EPSILON = 1e-8


class MinibatchStddev(nn.Module):
    """Appends how much the samples of a group differ, as constant channels.

    Args:
        group: samples in a group; where it does not divide N, the largest smaller
            number that does.
        channels: appended, each over an equal share of the features.

    With G groups, rows n, n + G, n + 2 G, ... share one, as in the published runs.
    Shapes: (N, C, H, W) -> (N, C + channels, H, W); C a multiple of ``channels``.
    Raises: ValueError for a group or channels below one.
    """

    def __init__(self, *, group: int = 4, channels: int = 1):
        super().__init__()
        self.group = in_range('group', group, above=0)
        self.channels = in_range('channels', channels, above=0)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        deviation = self._deviations(x).to(x.dtype)[:, :, None, None]
        return torch.cat([x, deviation.expand(-1, -1, height, width)], dim=1)

    @full_precision
    def _deviations(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, channels)."""
        size = largest_divisor(len(x), self.group)
        # (members, groups, channels, share, H, W)
        members = x.unflatten(1, (self.channels, -1)).unflatten(0, (size, -1))
        variance = members.var(0, correction=0)
        deviation = (variance + EPSILON).sqrt().mean((2, 3, 4))
        return deviation.repeat(size, 1)

    def extra_repr(self) -> str:
        return f'group={self.group}, channels={self.channels}'


def largest_divisor(number: int, most: int) -> int:
    """The largest divisor of a number that is at most ``most``."""
    return next(d for d in range(min(number, most), 0, -1) if number % d == 0)
