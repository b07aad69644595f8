"""Images warped by a matrix a sample, differentiable twice.

Beyond their borders images are mirrored, at the centres of the outermost pixels.
Letters: N batch.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F

from reacgan_plugin.augment.wavelets import CENTRE, resampling
from reacgan_plugin.functional.precision import full_precision


@full_precision
def warped_pixels(x: Tensor, source: Tensor) -> Tensor:
    """Images that are copied pixel by pixel, and interpolated only between pixels.

    Args:
        x: (N, C, H, W).
        source: (N, 3, 3), where what is seen at a position comes from; in pixels from
            the centre, x to the right and y down.
    """
    return _sampled(x, source, x.shape[2:], rate=1, first=0.0)


@full_precision
def warped(x: Tensor, source: Tensor) -> Tensor:
    """As :func:`warped_pixels`, but on doubled images, which are halved again: there
    interpolation costs little detail (Karras et al. 2020, "Training Generative
    Adversarial Networks with Limited Data", appendix B). The identity changes nothing,
    to rounding.

    Images are mirrored after they were doubled and not before, but for 5 positions:
    the size of what is doubled does not depend on the matrices then.
    """
    (double_y, halve_y), (double_x, halve_x) = (
        resampling(side, x.dtype, x.device) for side in x.shape[2:]
    )
    doubled = double_y @ (x @ double_x.T)
    moved = _sampled(doubled, source, x.shape[2:], rate=2, first=float(CENTRE))
    return halve_y @ (moved @ halve_x.T)


def _sampled(
    x: Tensor, source: Tensor, sides: torch.Size, *, rate: int, first: float
) -> Tensor:
    """Images on a grid of ``rate`` positions a pixel, the first pixel's centre lying at
    position ``first``, warped on this grid."""
    down, right = (
        (torch.arange(length, dtype=x.dtype, device=x.device) - first) / rate
        - (side - 1) / 2
        for length, side in zip(x.shape[2:], sides, strict=True)
    )
    grid = []
    for row, axis in ((source[:, 0], 1), (source[:, 1], 0)):
        side, length = sides[axis], x.shape[2 + axis]
        unit = 2 / (length - 1)  # from the first position, -1, to the last, 1
        from_right, from_down, shift = row[:, :, None].unbind(1)
        along = (from_right * right + shift + (side - 1) / 2) * rate + first
        across = from_down * down * rate
        position = (along * unit - 1)[:, None] + (across * unit)[:, :, None]
        mirrored = _mirrored(position, first * unit - 1, (side - 1) * rate * unit)
        # by more than rounding, which must not mirror what is there itself
        outside = position.abs() > 1 + unit / 2
        grid.append(torch.where(outside, mirrored, position))
    return _Bilinear.apply(x, torch.stack(grid, dim=3))


def _mirrored(position: Tensor, first: float, span: float) -> Tensor:
    """Positions mirrored at the first one and, a span further, the last, however far
    away they are."""
    # in place, since a new tensor of this size costs a CPU more than the arithmetic
    periods = (position - first).div_(2 * span)
    return periods.sub_(periods.round()).abs_().mul_(2 * span).add_(first)


class _Bilinear(Function):
    """Bilinear interpolation, (N, C, H, W) at (N, H', W', 2) -> (N, C, H', W').

    torch's own has a second derivative in its newest versions only. This one is linear
    in the image, so that the derivative is the transposed map, and that of the
    transposed map is the map; positions get no gradient.
    """

    @staticmethod
    def forward(ctx, x: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = x.shape
        return F.grid_sample(x, grid, padding_mode='border', align_corners=True)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _Transposed.apply(grad, grid, ctx.shape), None


class _Transposed(Function):
    """Adds every value to the four pixels that it would be interpolated from."""

    @staticmethod
    def forward(ctx, y: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        bilinear, border, align_corners, wanted = 0, 1, True, [True, False]
        image, _ = torch.ops.aten.grid_sampler_2d_backward(
            y, y.new_empty(shape), grid, bilinear, border, align_corners, wanted
        )
        return image

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return _Bilinear.apply(grad, grid), None, None
