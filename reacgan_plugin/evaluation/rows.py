"""What an extractor says of a set of images.

Letters: n images, D width of features, L of logits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reacgan_plugin.evaluation.statistics import Gaussian, gaussian_of


@dataclass
class Rows:
    """Rows of a set of images, as far as they are known.

    Args:
        name: of the set, for messages.
        count: images seen; None: unknown.
        features: (n, D) float32; of a large set those of evenly spaced images.
        logits: (n, L) float32 of the extractor's own classes.
        labels: (n,) classes of the images.
        gaussian: of the features of all images, where they are more than n.
        size: (H, W) of the images before a resizer.
    """

    name: str
    count: int | None
    features: Tensor | None = None
    logits: Tensor | None = None
    labels: np.ndarray | None = None
    gaussian: Gaussian | None = None
    size: tuple[int, int] | None = None

    def wanted(self, what: str):
        """One of the above; ValueError where it is not known."""
        value = getattr(self, what)
        if value is None:
            raise ValueError(f'{self.name} has no {what}')
        return value

    def fitted(self) -> Gaussian:
        """The Gaussian of all images; ValueError for fewer than two."""
        if self.gaussian is None:
            self.gaussian = gaussian_of(self.wanted('features'), self.name)
        return self.gaussian


class Moments:
    """Sums over rows from which a Gaussian follows, whatever their number."""

    def __init__(self):
        self.count, self.sums = 0, None

    def add(self, rows: Tensor) -> None:
        """Rows (n, D) more."""
        rows = rows.double()
        sums = torch.cat([rows.sum(0, keepdim=True), rows.T @ rows])
        self.sums = sums if self.sums is None else self.sums.add_(sums)
        self.count += len(rows)


def gaussian_of_sums(sums: Tensor, count: int) -> Gaussian:
    """The Gaussian of ``count`` rows by :class:`Moments`' sums (1 + D, D)."""
    total, products = sums[:1], sums[1:]
    covariance = (products - total.T @ total / count) / (count - 1)
    return Gaussian((total[0] / count).numpy(), covariance.numpy())


def evenly_spaced(count: int, most: int | None) -> np.ndarray:
    """Which of ``count`` images are among at most ``most`` of them: bool (count,)."""
    kept = np.zeros(count, dtype=bool)
    places = np.linspace(0, count - 1, min(count, most or count))
    kept[places.round().astype(int)] = True
    return kept
