"""Information codes (Chen et al. 2016, "InfoGAN") as functions of the latent z.

The last entries of a normal z carry the codes: a group of c normals is a category
drawn uniformly from c (the largest entry's place), one normal is a number uniform in
[-1, 1] (by its distribution function). So nothing beside z is drawn, kept or passed on.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from reacgan_plugin.functional.precision import full_precision

TINY = 1e-6  # keeps the logarithm finite where the variance vanishes


class CodeSizes(NamedTuple):
    """How many codes there are."""

    discrete: int = 0  # categorical codes
    categories: int = 10  # of each of them
    continuous: int = 0  # numbers in [-1, 1]

    def checked(self) -> CodeSizes:
        """Itself; ValueError for no codes, negative numbers, or a single category."""
        discrete = self.discrete >= 0 and (self.discrete == 0 or self.categories > 1)
        if not discrete or self.continuous < 0 or self.latent == 0:
            raise ValueError(
                f'{self}; allowed: at least one code, of two or more categories'
            )
        return self

    @property
    def latent(self) -> int:
        """Entries of z that the codes are read from, and their width for a network."""
        return self.discrete * self.categories + self.continuous


class Codes(NamedTuple):
    """Codes of a batch."""

    category: Tensor  # (N, discrete) integers
    number: Tensor  # (N, continuous) in [-1, 1]

    def flat(self, categories: int) -> Tensor:
        """One-hot categories, then numbers: (N, discrete x categories + continuous)."""
        one_hot = F.one_hot(self.category, categories).flatten(1)
        return torch.cat([one_hot.to(self.number.dtype), self.number], dim=1)


def codes_of(z: Tensor, sizes: CodeSizes) -> Codes:
    """The codes in the last ``sizes.latent`` entries of z (N, Z).

    Raises: ValueError when z has fewer entries than that.
    """
    if z.shape[1] < sizes.latent:
        raise ValueError(
            f'z has {z.shape[1]} entries, the codes are read from {sizes.latent}'
        )
    split = z.shape[1] - sizes.continuous
    number = torch.erf(z[:, split:] / math.sqrt(2))
    if not sizes.discrete:
        return Codes(z.new_empty(len(z), 0, dtype=torch.long), number)
    grouped = z[:, split - sizes.discrete * sizes.categories : split]
    grouped = grouped.unflatten(1, (sizes.discrete, sizes.categories))
    return Codes(grouped.argmax(2), number)


@full_precision
def discrete_code_loss(code_logits: Tensor, category: Tensor) -> Tensor:
    """Cross entropy summed over codes: (N, discrete, categories), (N, discrete) ->
    scalar (Chen et al. 2016, Eq. 5, with the logarithm of a categorical Q)."""
    return (
        F.cross_entropy(code_logits.transpose(1, 2), category, reduction='none')
        .sum(1)
        .mean()
    )


@full_precision
def continuous_code_loss(mean: Tensor, variance: Tensor, number: Tensor) -> Tensor:
    """Negative log likelihood of a factored normal Q, summed over codes: (N, C) each ->
    scalar (Chen et al. 2016, section 6)."""
    spread = 2 * variance + TINY
    density = (2 * math.pi * variance + TINY).log() / 2
    return (density + (number - mean).square() / spread).sum(1).mean()
