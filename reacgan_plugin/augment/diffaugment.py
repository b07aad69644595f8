"""DiffAugment (Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN
Training", sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from reacgan_plugin.augment.color import brightness, contrast, saturation
from reacgan_plugin.augment.cutout import cut_out
from reacgan_plugin.augment.translation import translated
from reacgan_plugin.functional.precision import full_precision


def color(x: Tensor) -> Tensor:
    """Brightness by -0.5 to 0.5, saturation times 0 to 2, contrast times 0.5 to 1.5."""
    shift, of_saturation, of_contrast = torch.rand(
        3, len(x), dtype=x.dtype, device=x.device
    )
    x = saturation(brightness(x, shift - 0.5), 2 * of_saturation)
    return contrast(x, 0.5 + of_contrast)


def translation(x: Tensor) -> Tensor:
    """By up to an eighth of the sides, in whole pixels."""
    down, right = (
        _integers(x, -reach, reach + 1) for reach in (_share(s, 8) for s in _sides(x))
    )
    return translated(x, down, right)


def cutout(x: Tensor) -> Tensor:
    """Of half the sides; the centre lies anywhere, so that less may be cut."""
    sizes = [_share(side, 2) for side in _sides(x)]
    # whole pixels: centres lie between two of them or, for an odd size, upon one
    centres = [
        _integers(x, 0, side + 1 - size % 2) + size % 2 / 2
        for side, size in zip(_sides(x), sizes, strict=True)
    ]
    size = torch.stack([x.new_full((len(x),), size) for size in sizes], dim=1)
    return cut_out(x, torch.stack(centres, dim=1), size)


POLICIES = {'color': color, 'translation': translation, 'cutout': cutout}


@full_precision
def diff_augment(x: Tensor, policy: Iterable[str]) -> Tensor:
    """Images (N, 3, H, W) augmented, every sample in its own way.

    Args:
        x: in [-1, 1]; float32 for half precision.
        policy: names among 'color', 'translation' and 'cutout', in their order.
    """
    for name in policy:
        x = POLICIES[name](x)
    return x


def _sides(x: Tensor) -> torch.Size:
    return x.shape[2:]


def _share(side: int, parts: int) -> int:
    return int(side / parts + 0.5)


def _integers(x: Tensor, low: int, high: int) -> Tensor:
    return torch.randint(low, high, (len(x),), device=x.device)
