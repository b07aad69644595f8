"""Views of images that show the same (Zhang et al. 2020, "CR-GAN")."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reacgan_plugin.options import in_range


class FlipAndShift(nn.Module):
    """Mirrors half of the images and moves each by a few pixels.

    Args:
        flip: whether images are mirrored, left to right; not for those to which sides
            matter, such as digits.
        shift: largest move, as a share of the image's side: 1 / 8 of 32 pixels are the
            published 4. What comes in from outside is a reflection. 0: none.

    Shapes: (N, C, H, W) -> (N, C, H, W).
    Raises: ValueError for a shift out of range, and for neither flip nor shift.
    """

    def __init__(self, *, flip: bool = True, shift: float = 0.125):
        super().__init__()
        if not (flip or shift):
            raise ValueError(
                f'flip={flip!r} and shift={shift!r} leave the image as it is; allowed: '
                'at least one of them'
            )
        self.flip = flip
        self.shift = in_range('shift', shift, above=0, up_to=0.5) if shift else 0

    def forward(self, image: Tensor) -> Tensor:
        if self.flip:
            chosen = torch.rand(len(image), 1, 1, 1, device=image.device) < 0.5
            image = torch.where(chosen, image.flip(3), image)
        for dim in (2, 3):
            most = int(image.shape[dim] * self.shift)
            moves = torch.randint(-most, most + 1, (len(image),), device=image.device)
            image = shifted(image, moves, dim)
        return image

    def extra_repr(self) -> str:
        return f'flip={self.flip}, shift={self.shift}'


def shifted(image: Tensor, moves: Tensor, dim: int) -> Tensor:
    """Images (N, C, H, W) that start ``moves`` (N,) pixels later along a dimension, 2
    or 3, and are mirrored at their border pixels."""
    last = image.shape[dim] - 1
    position = torch.arange(last + 1, device=image.device) + moves[:, None]
    position = last - (last - position.abs()).abs()
    shape = [len(image), 1, 1, 1]
    shape[dim] = last + 1
    return image.gather(dim, position.view(shape).expand_as(image))
