"""Convolutions whose input channels are scaled by a style (Karras et al. 2020,
"StyleGAN2", section 2.2).

Letters: N batch, W width of w, k kernel side.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reacgan_plugin.functional.precision import full_precision
from reacgan_plugin.layers.equalised import (
    ACTIVATION_GAIN,
    SLOPE,
    EqualisedLinear,
    clamped,
)
from reacgan_plugin.layers.resample import blur_filter, resampled_conv2d
from reacgan_plugin.options import one_of

NOISES = ('const', 'none', 'random')
EPSILON = 1e-8


def modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    style: Tensor,
    blur: Tensor | None = None,
    *,
    demodulate: bool = True,
    resample: str | None = None,
) -> Tensor:
    """Convolution with weights w'_{ijk} = s_i w_{ijk} (Eq. 1) of each sample.

    Scaling activations before and after one convolution for all samples equals a
    convolution with each sample's own weights, which need not be made.

    Args:
        x: (N, in, H, W).
        weight: (out, in, k, k).
        style: s, (N, in).
        blur: (4, 4); needed where it resamples.
        demodulate: divide by the expected deviation of the output, the L2 norm of each
            sample's weights w' (Eq. 3).
        resample: None, ``'up'`` or ``'down'``.

    Returns: (N, out, H', W') of x's dtype.
    """
    x = x * _per_channel(style, x)
    y = resampled_conv2d(x, weight.to(x.dtype), blur, resample=resample)
    return y * _per_channel(demodulation(weight, style), y) if demodulate else y


@full_precision  # squares and their root
def demodulation(weight: Tensor, style: Tensor) -> Tensor:
    """1 / sqrt(sum_{ik} w'_{ijk}^2 + 1e-8) of Eq. 3: (out, in, k, k), (N, in) ->
    (N, out)."""
    square = style.square() @ weight.square().sum((2, 3)).T
    return (square + EPSILON).rsqrt()


class StyledConv2d(nn.Module):
    """Modulated 3 x 3 convolution, noise, bias and leaky ReLU: one layer of synthesis.

    Args:
        in_channels, out_channels: of the features.
        w_dim: W.
        sides: (H', W') of the output, for which the constant noise is drawn.
        resample: None or ``'up'``.
        clamp: largest magnitude of the output; None: no limit.

    Shapes: (N, in_channels, H, W), (N, W) -> (N, out_channels, H', W').
    The noise has one learned strength, zero at first; its constant stays as drawn.
    Raises: ValueError for a noise or resampling that is not known.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        w_dim: int,
        *,
        sides: tuple[int, int],
        resample: str | None = None,
        clamp: float | None = None,
    ):
        super().__init__()
        one_of('resample', resample, (None, 'up'))
        self.resample, self.clamp = resample, clamp
        self.affine = EqualisedLinear(w_dim, in_channels, bias_init=1.0)
        self.style_gain = 1 / math.sqrt(9 * in_channels)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.register_buffer('noise_const', torch.randn(sides))
        self.register_buffer('resample_filter', blur_filter())

    def forward(self, x: Tensor, w: Tensor, *, noise: str = 'const') -> Tensor:
        one_of('noise', noise, NOISES)
        # demodulation undoes the gain, which keeps sums small in half precision
        style = self.affine(w) * self.style_gain
        y = modulated_conv2d(
            x, self.weight, style, self.resample_filter, resample=self.resample
        )
        added = self.bias[:, None, None]
        if noise != 'none':
            added = added + self.noise_strength * self._noise(y, noise)
        y = F.leaky_relu(y + added.to(y.dtype), SLOPE) * ACTIVATION_GAIN
        return clamped(y, self.clamp)

    def _noise(self, like: Tensor, noise: str) -> Tensor:
        """One value a position, the same for all channels."""
        if noise == 'const':
            return self.noise_const
        return torch.randn_like(like[:, :1])


class ToRGB(nn.Module):
    """Modulated 1 x 1 convolution to the image's colours, without demodulation.

    Args:
        in_channels: of the features.
        w_dim: W.
        clamp: largest magnitude of the output; None: no limit.
        out_channels: 3, or 1 for grey.

    Shapes: (N, in_channels, H, W), (N, W) -> (N, out_channels, H, W).
    """

    def __init__(
        self,
        in_channels: int,
        w_dim: int,
        *,
        clamp: float | None = None,
        out_channels: int = 3,
    ):
        super().__init__()
        self.clamp = clamp
        self.affine = EqualisedLinear(w_dim, in_channels, bias_init=1.0)
        self.style_gain = 1 / math.sqrt(in_channels)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style = self.affine(w) * self.style_gain
        y = modulated_conv2d(x, self.weight, style, demodulate=False)
        return clamped(y + self.bias[:, None, None].to(y.dtype), self.clamp)


def _per_channel(factor: Tensor, like: Tensor) -> Tensor:
    """(N, C) -> (N, C, 1, 1) in the dtype of the features that it scales."""
    return factor[:, :, None, None].to(like.dtype)
