"""Convolutions with the resampling beside them folded into their kernels.

Nearest upsampling and averaging over 2 x 2 are convolutions with a box, and two
convolutions in a row are one whose kernel is the first kernel convolved with the
second. A 3 x 3 kernel becomes one of 4 x 4 at every other position: 16 products for
four pixels instead of 36, and the doubled map before or the full one behind is never
held in memory. PGGAN's code (Karras et al. 2018) calls it a fused scale. The results
differ by rounding alone, which is half to three times that of two steps.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

BOX = 2  # side of the box, and the factor of the resampling


def upsampled_conv2d(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Nearest upsampling by two, then a convolution that keeps the size.

    Args:
        x: (N, in, H, W), of any floating dtype.
        weight: (out, in, k, k), k odd.
        bias: (out,) or None.

    Returns: (N, out, 2 H, 2 W).
    """
    side = weight.shape[-1]
    if side == 1:
        # commutes with upsampling, and a folded kernel would have four times the work
        return F.interpolate(F.conv2d(x, weight, bias), scale_factor=BOX)
    kernel = _beside_box(weight, divisor=1).flip(2, 3).transpose(0, 1)
    return F.conv_transpose2d(x, kernel, bias, stride=BOX, padding=side // 2)


def pooled_conv2d(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A convolution that keeps the size, then the average of every 2 x 2 positions.

    Args:
        x: (N, in, H, W), of any floating dtype.
        weight: (out, in, k, k), k odd.
        bias: (out,) or None.

    Returns: (N, out, H // 2, W // 2).
    """
    side = weight.shape[-1]
    if side == 1:
        # commutes with averaging, and a folded kernel would have four times the work
        return F.conv2d(F.avg_pool2d(x, BOX), weight, bias)
    kernel = _beside_box(weight, divisor=BOX * BOX)
    return F.conv2d(x, kernel, bias, stride=BOX, padding=side // 2)


class FoldedConv2d(nn.Conv2d):
    """A convolution of odd kernels that keeps the size, resampling aside; it has the
    weights, and the names, of ``nn.Conv2d``."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, bias=True
    ):
        padding = kernel_size // 2
        super().__init__(
            in_channels, out_channels, kernel_size, padding=padding, bias=bias
        )


class UpsampledConv2d(FoldedConv2d):
    """:func:`upsampled_conv2d` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return upsampled_conv2d(x, self.weight, self.bias)


class PooledConv2d(FoldedConv2d):
    """:func:`pooled_conv2d` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return pooled_conv2d(x, self.weight, self.bias)


def _beside_box(weight: Tensor, divisor: int) -> Tensor:
    """Every kernel convolved with a box of 1 / divisor: sides k become k + 1."""
    return F.avg_pool2d(weight, BOX, stride=1, padding=1, divisor_override=divisor)
