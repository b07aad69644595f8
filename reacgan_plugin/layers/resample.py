"""Doubling and halving of feature maps behind the low-pass filter [1, 3, 3, 1].

StyleGAN2's networks blur wherever they change resolution (Karras et al. 2019,
section 2.1; Karras et al. 2020, section 4), against aliasing.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from reacgan_plugin.functional.precision import full_precision
from reacgan_plugin.options import one_of

RESAMPLINGS = (None, 'up', 'down')
KERNEL_SIZES = (1, 3)


def blur_filter() -> Tensor:
    """The filter (4, 4), normalised to a sum of one."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return torch.outer(taps, taps) / taps.sum().square()


def downsample(x: Tensor, blur: Tensor) -> Tensor:
    """Blurred and halved: (N, C, H, W), (4, 4) -> (N, C, H / 2, W / 2); even sides."""
    return _blurred(x, blur, padding=1, stride=2)


@full_precision  # for images that are summed over resolutions
def upsample(x: Tensor, blur: Tensor) -> Tensor:
    """Doubled and blurred: (N, C, H, W), (4, 4) -> (N, C, 2 H, 2 W), float32 for half
    precision."""
    return _doubled(x, blur)


def resampled_conv2d(
    x: Tensor,
    weight: Tensor,
    blur: Tensor | None = None,
    *,
    bias: Tensor | None = None,
    resample: str | None = None,
) -> Tensor:
    """Convolution that may double or halve: (N, in, H, W) -> (N, out, H', W').

    Args:
        weight: (out, in, k, k), k 1 or 3.
        blur: (4, 4); needed where it resamples.
        bias: (out,) or None.
        resample: None; ``'up'`` convolves on the doubled grid, then blurs; ``'down'``
            blurs, then convolves at every other position.
    """
    side = weight.shape[-1]
    if resample is None:
        return F.conv2d(x, weight, bias, padding=side // 2)
    if resample == 'down' and side == 1:
        return F.conv2d(downsample(x, blur), weight, bias)
    if resample == 'down':
        return F.conv2d(_blurred(x, blur, padding=2), weight, bias, stride=2)
    if side == 1:
        y = _doubled(F.conv2d(x, weight), blur)
    else:
        y = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
        y = _blurred(y, 4 * blur, padding=1)
    # comes last, since the blur would dim it at the borders
    return y if bias is None else y + bias[:, None, None].to(y.dtype)


def check_conv(kernel_size: int, resample: str | None) -> None:
    """ValueError unless :func:`resampled_conv2d` can do it."""
    one_of('kernel_size', kernel_size, KERNEL_SIZES)
    one_of('resample', resample, RESAMPLINGS)


def _doubled(x: Tensor, blur: Tensor) -> Tensor:
    # 4 makes up for the zeros that a transposed convolution puts in between
    weight = _depthwise(4 * blur, x)
    return F.conv_transpose2d(x, weight, stride=2, padding=1, groups=x.shape[1])


def _blurred(x: Tensor, blur: Tensor, *, padding: int, stride: int = 1) -> Tensor:
    weight = _depthwise(blur, x)
    return F.conv2d(x, weight, stride=stride, padding=padding, groups=x.shape[1])


def _depthwise(blur: Tensor, like: Tensor) -> Tensor:
    """One filter a channel; it is symmetric, so that flipping does not matter."""
    return blur.to(like.dtype).expand(like.shape[1], 1, *blur.shape)
