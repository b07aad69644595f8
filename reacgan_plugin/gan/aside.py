"""Passes of a network beside those of the step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from reacgan_plugin.gan.compiled import eager
from reacgan_plugin.layers.modes import settled, untracked_statistics


@contextmanager
def aside(network: nn.Module) -> Iterator[None]:
    """Passes of the network meanwhile leave no trace in it and may be differentiated
    twice.

    Running statistics and singular vectors stay as they are. Autocast is off, since a
    gradient squared is lost in half precision, and compiled code is not used, since it
    is made for the first derivative only.
    """
    device = next(network.parameters()).device
    with (
        torch.autocast(device.type, enabled=False),
        untracked_statistics(network),
        settled(network),
        eager(network),
    ):
        yield
