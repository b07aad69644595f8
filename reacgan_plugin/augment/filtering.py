"""Image-space filtering of adaptive augmentation (Karras et al. 2020, "Training
Generative Adversarial Networks with Limited Data", appendix B). Letters: N batch."""

from __future__ import annotations

import torch
from torch import Tensor

from reacgan_plugin.augment.transformation import normal, uniform
from reacgan_plugin.augment.wavelets import bands
from reacgan_plugin.functional.precision import full_precision

BANDS = 4  # an octave each, but the lowest, which holds all below


def draw_amplifications(x: Tensor, probability: Tensor) -> Tensor:
    """(N, 4) binary logarithms, each drawn with the probability, else zero."""
    return normal(x, BANDS) * (uniform(x, BANDS) < probability)


def band_gains(log2: Tensor) -> Tensor:
    """Gains (N, 4) of the bands where each in turn is amplified by two to these powers,
    (N, 4), and all then scaled so that an image keeps its expected power.

    That is taken to fall as 1 / f: 10 / 13 lies in the lowest band and 1 / 13 in each
    of the others.
    """
    power = log2.new_ones(BANDS)
    power[0] = 10
    gain = log2.exp2()
    expected = 1 + power / 13 * (gain.square() - 1)
    return gain / expected.prod(1, keepdim=True).sqrt()


@full_precision
def filtered(x: Tensor, gains: Tensor) -> Tensor:
    """Images (N, C, H, W) with the frequency bands of both directions times their
    gains (N, 4)."""
    of_rows, of_columns = (
        torch.einsum('nb,bij->nij', gains, bands(side, x.dtype, x.device))[:, None]
        for side in x.shape[2:]
    )
    return of_rows @ x @ of_columns.mT
