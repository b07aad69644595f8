"""Full precision for losses: what autocast or half-precision inputs must not touch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

HALF = (torch.float16, torch.bfloat16)


def full_precision(function: Callable) -> Callable:
    """Run a function with autocast off and half-precision tensor arguments in float32.

    A logsumexp or a margin of 0.02 is lost in half precision. float32, float64 and
    integer arguments pass untouched, and gradients return in the inputs' own type.
    """

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        with _autocast_off((*args, *kwargs.values())):
            return function(
                *(upcast(value) for value in args),
                **{name: upcast(value) for name, value in kwargs.items()},
            )

    return wrapped


def upcast(value):
    """A half-precision tensor in float32; anything else as it is."""
    if isinstance(value, Tensor) and value.dtype in HALF:
        return value.float()
    return value


def _autocast_off(values: tuple) -> AbstractContextManager:
    """Autocast disabled on the device of the first tensor; devices without it pass."""
    device = next((v.device.type for v in values if isinstance(v, Tensor)), 'cpu')
    if not torch.amp.is_autocast_available(device):
        return nullcontext()
    return torch.autocast(device, enabled=False)
