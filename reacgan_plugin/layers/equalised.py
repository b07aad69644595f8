"""Layers with an equalised learning rate (Karras et al. 2018, "PGGAN", section 4.1).

Weights are stored at unit variance and scaled by He's constant whenever they are used,
so that Adam moves all of them at one relative speed. A leaky ReLU is followed by a gain
of sqrt(2); it is homogeneous, so the gain is folded into weight and bias, which spares
a pass over the activations.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reacgan_plugin.layers.resample import blur_filter, check_conv, resampled_conv2d

SLOPE = 0.2  # of the leaky ReLU below zero
ACTIVATION_GAIN = math.sqrt(2)


class EqualisedLinear(nn.Module):
    """Linear map whose weights are scaled at run time, optionally activated.

    Args:
        in_features, out_features: widths.
        bias: learn a bias.
        activation: leaky ReLU of slope 0.2 and gain sqrt(2) afterwards.
        lr_multiplier: factor of the effective learning rate.
        bias_init: effective value that the bias starts from.

    Shapes: (..., in_features) -> (..., out_features), of the input's dtype.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias: bool = True,
        activation: bool = False,
        lr_multiplier: float = 1.0,
        bias_init: float = 0.0,
    ):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.activation = activation
        gain = lr_multiplier * (ACTIVATION_GAIN if activation else 1)
        self.weight_gain, self.bias_gain = gain / math.sqrt(in_features), gain
        self.weight = nn.Parameter(
            torch.randn(out_features, in_features) / lr_multiplier
        )
        self.bias = None
        if bias:
            start = torch.full((out_features,), bias_init / lr_multiplier)
            self.bias = nn.Parameter(start)

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = scaled(self, x)
        y = F.linear(x, weight, bias)
        return F.leaky_relu(y, SLOPE) if self.activation else y

    def extra_repr(self) -> str:
        return (
            f'{self.in_features}, {self.out_features}, bias={self.bias is not None}, '
            f'activation={self.activation}'
        )


class EqualisedConv2d(nn.Module):
    """Convolution whose weights are scaled at run time, optionally activated.

    Args:
        in_channels, out_channels: of the features.
        kernel_size: 1 or 3; the padding keeps the sides.
        bias: learn a bias, which starts at zero.
        activation: leaky ReLU of slope 0.2 and gain sqrt(2) afterwards.
        resample: None, ``'up'`` or ``'down'``: double or halve the sides, blurring.
        gain: further factor of the output.
        clamp: largest magnitude of the output, times ``gain``; None: no limit.

    Shapes: (N, in_channels, H, W) -> (N, out_channels, H', W'), of the input's dtype.
    Raises: ValueError for another kernel size or resampling.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        bias: bool = True,
        activation: bool = False,
        resample: str | None = None,
        gain: float = 1.0,
        clamp: float | None = None,
    ):
        super().__init__()
        check_conv(kernel_size, resample)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.resample = kernel_size, resample
        self.activation = activation
        self.clamp = None if clamp is None else clamp * gain
        gain = gain * (ACTIVATION_GAIN if activation else 1)
        self.weight_gain = gain / math.sqrt(in_channels * kernel_size**2)
        self.bias_gain = gain
        self.weight = nn.Parameter(
            torch.randn(out_channels, in_channels, kernel_size, kernel_size)
        )
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        # in every convolution, as in the published checkpoints
        self.register_buffer('resample_filter', blur_filter())

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = scaled(self, x)
        y = resampled_conv2d(
            x, weight, self.resample_filter, bias=bias, resample=self.resample
        )
        if self.activation:
            y = F.leaky_relu(y, SLOPE)
        return clamped(y, self.clamp)

    def extra_repr(self) -> str:
        return (
            f'{self.in_channels}, {self.out_channels}, {self.kernel_size}, '
            f'bias={self.bias is not None}, activation={self.activation}, '
            f'resample={self.resample!r}'
        )


def scaled(module: nn.Module, like: Tensor) -> tuple[Tensor, Tensor | None]:
    """A layer's effective weight and bias, in the dtype of what they are used on."""
    weight = (module.weight * module.weight_gain).to(like.dtype)
    if module.bias is None:
        return weight, None
    return weight, (module.bias * module.bias_gain).to(like.dtype)


def clamped(x: Tensor, limit: float | None) -> Tensor:
    """Values within [-limit, limit]; None leaves them. Keeps half precision finite."""
    return x if limit is None else x.clamp(-limit, limit)
