"""Resizing before a feature extractor; numbers of different resizers do not compare.

Parmar et al. 2022 ("On Aliased Resizing and Surprising Subtleties in GAN Evaluation").
Letters: N images of H x W pixels, S side that the extractor expects.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from reacgan_plugin.options import one_of

ANTIALIASED = ('bilinear', 'bicubic')
RESIZERS = ('tf', 'clean', 'friendly')


def resized(
    image: Tensor, size: int | None, *, resizer: str, friendly: str = 'bilinear'
) -> Tensor:
    """Images as the extractor's floats: uint8 (N, C, H, W) -> (N, C, S, S) in 0..255.

    Args:
        image: uint8.
        size: S; None: as they are.
        resizer: ``'tf'``: TensorFlow 1's bilinear one, without antialiasing, as in the
            first FID code and torch-fidelity. ``'clean'``: antialiased bicubic on
            floats, clean-fid's; it equals PIL's to hundredths of a level, overshoot
            included. ``'friendly'``: antialiased by the filter that the network was
            trained with, StudioGAN's name.
        friendly: that filter, ``'bilinear'`` or ``'bicubic'``.

    Raises: ValueError for another resizer or filter.
    """
    one_of('resizer', resizer, RESIZERS)
    image = image.to(torch.float32)
    if size is None or image.shape[-2:] == (size, size):
        return image
    if resizer == 'tf':
        # Here, because it brings all of torch-fidelity and torchvision along.
        from torch_fidelity.interpolate_compat_tensorflow import (
            interpolate_bilinear_2d_like_tensorflow1x as interpolate,
        )

        return interpolate(image, size=(size, size), align_corners=False)
    mode = 'bicubic' if resizer == 'clean' else one_of('filter', friendly, ANTIALIASED)
    return F.interpolate(image, size=(size, size), mode=mode, antialias=True)
