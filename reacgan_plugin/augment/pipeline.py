"""The pipeline of adaptive augmentation (Karras et al. 2020, "Training Generative
Adversarial Networks with Limited Data", appendix B). Letters: N batch."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

import torch
from torch import Tensor

from reacgan_plugin.augment.color_matrix import COLORS, color_matrix, recoloured
from reacgan_plugin.augment.cutout import cut_out
from reacgan_plugin.augment.filtering import band_gains, draw_amplifications, filtered
from reacgan_plugin.augment.geometry import BLITS, GENERAL, geometric_source
from reacgan_plugin.augment.transformation import gated, names_of, normal, uniform
from reacgan_plugin.augment.warp import warped, warped_pixels
from reacgan_plugin.functional.precision import full_precision
from reacgan_plugin.options import in_range, one_of

Chances = Mapping[str, Tensor]  # probabilities by the names of transformations


def moved(x: Tensor, chances: Chances) -> Tensor:
    """Images flipped, turned, scaled and translated, all in one warp."""
    only_blits = chances.keys().isdisjoint(names_of(GENERAL))
    warp = warped_pixels if only_blits else warped
    return warp(x, geometric_source(x, chances))


def coloured(x: Tensor, chances: Chances) -> Tensor:
    """Images brightened, turned in hue and the like, all by one matrix."""
    return recoloured(x, color_matrix(x, chances))


def amplified(x: Tensor, chances: Chances) -> Tensor:
    """Images with some of their frequency bands amplified."""
    return filtered(x, band_gains(draw_amplifications(x, chances['filtering'])))


def noisy(x: Tensor, chances: Chances) -> Tensor:
    """Images plus normal noise, whose deviation is half-normal itself, of 0.1."""
    deviation = gated(0.1 * normal(x).abs(), chances['noise'])
    return x + deviation[:, None, None, None] * torch.randn_like(x)


def with_cutout(x: Tensor, chances: Chances) -> Tensor:
    """Images less a rectangle of half their sides, its centre anywhere inside."""
    sides = torch.stack([x.new_full((), side) for side in x.shape[2:]])
    size = gated(torch.full_like(uniform(x, 2), 0.5), chances['cutout'])
    return cut_out(x, uniform(x, 2) * sides, size * sides)


SETS = (
    names_of(BLITS),
    names_of(GENERAL),
    names_of(COLORS),
    ('filtering',),
    ('noise',),
    ('cutout',),
)
NAMES = sum(SETS, ())
POLICIES = dict(
    zip(('b', 'bg', 'bgc', 'bgcf', 'bgcfn', 'bgcfnc'), accumulate(SETS), strict=True)
)
STAGES = (
    (SETS[0] + SETS[1], moved),
    (SETS[2], coloured),
    (SETS[3], amplified),
    (SETS[4], noisy),
    (SETS[5], with_cutout),
)


def multipliers_of(policy: str | Mapping[str, float]) -> dict[str, float]:
    """What the strength is multiplied by for each transformation.

    Args:
        policy: a published set, 'b', 'bg', 'bgc', 'bgcf', 'bgcfn' or 'bgcfnc': all of
            its transformations, by 1. Or a mapping of names to multipliers.

    Raises: ValueError for another name and for a multiplier that is not above 0.
    """
    if not isinstance(policy, Mapping):
        return dict.fromkeys(POLICIES[one_of('policy', policy, POLICIES)], 1.0)
    if not policy:
        raise ValueError(f'policy is empty; allowed: {", ".join(NAMES)}')
    return {
        one_of('policy', name, NAMES): in_range(f'policy.{name}', factor, above=0)
        for name, factor in policy.items()
    }


@full_precision
def augment(x: Tensor, strength: Tensor, multipliers: Mapping[str, float]) -> Tensor:
    """Images augmented, every sample in its own way.

    Args:
        x: (N, 3, H, W) in [-1, 1]; float32 for half precision.
        strength: p, a scalar: each transformation happens with this probability, times
            its multiplier, to each sample.
        multipliers: of :func:`multipliers_of`; what is not named never happens.
    """
    chances = {name: strength * factor for name, factor in multipliers.items()}
    for names, stage in STAGES:
        if not chances.keys().isdisjoint(names):
            x = stage(x, chances)
    return x
