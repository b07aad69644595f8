"""Images to rows, each rank its share of the batches.

Letters: n images, D width of features, L of logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from mmengine.device import get_device
from torch import Tensor

from reacgan_plugin.data.seeding import undisturbed
from reacgan_plugin.evaluation.extractor import Extracted, Extractor
from reacgan_plugin.evaluation.ranks import Ranks
from reacgan_plugin.evaluation.repeatable import repeatable
from reacgan_plugin.evaluation.resize import RESIZERS, resized
from reacgan_plugin.evaluation.rows import (
    Moments,
    Rows,
    evenly_spaced,
    gaussian_of_sums,
)
from reacgan_plugin.options import in_range, one_of


@dataclass(frozen=True)
class View:
    """How images are looked at.

    Args:
        extractor: the network.
        resizer: what brings images to its size, see
            :func:`~reacgan_plugin.evaluation.resize.resized`.
        batch_size: images at a time.

    Raises: ValueError for another resizer and a batch without images.
    """

    extractor: Extractor
    resizer: str = 'tf'
    batch_size: int = 50

    def __post_init__(self):
        one_of('resizer', self.resizer, RESIZERS)
        in_range('batch_size', self.batch_size, above=0)

    @torch.no_grad()
    def of(self, image: Tensor) -> Extracted:
        """What the network says of uint8 images (N, 3, H, W)."""
        options = dict(resizer=self.resizer, friendly=self.extractor.friendly)
        image = image.to(get_device())
        return self.extractor(resized(image, self.extractor.size, **options))


class Share(NamedTuple):
    """What one rank found, on the CPU; None without an image to keep."""

    features: Tensor | None  # (n, D) of images that are kept
    logits: Tensor | None  # (n, L)
    sums: Tensor | None  # (1 + D, D) of all images, of a set that is kept in part
    size: tuple[int, int] | None  # (H, W) of images


def extract(
    source,
    view: View,
    ranks: Ranks,
    *,
    keep: int | None = None,
    logits: bool = False,
) -> Rows | None:
    """Rows of all images of a source, on the first rank; None on the others.

    Batches are the same whatever the number of ranks, which take turns; so rows are
    the same to the bit on like machines, and every image counts once.

    Args:
        source: has ``len``, ``name``, ``labels`` (n,) or None, and ``batches``, which
            gives uint8 images (B, 3, H, W) for each of several lists of indices.
        view: how they are looked at.
        ranks: who share the work; all call this.
        keep: rows kept at most, of evenly spaced images; of a larger set the mean and
            the covariance are taken of all. None: all.
        logits: keep those, too.

    Raises: ValueError for a source without images and rows that are not finite, on
    ranks that had no such problem RankFailed.
    """
    count, step = len(source), view.batch_size
    if count == 0:
        raise ValueError(f'{source.name} has no images')
    parts = [np.arange(i, min(i + step, count)) for i in range(0, count, step)]
    shares, kept = ranks.shares(parts), evenly_spaced(count, keep)
    work = _Work(source, view, kept, logits)
    own = ranks.together(lambda: work.of(shares[ranks.rank]))
    order = kept.cumsum() - 1  # of the kept images among themselves
    places = [order[_kept_of(share, kept)] for share in shares]
    rows = [ranks.collected(found, places) for found in (own.features, own.logits)]
    gaussian = None
    if not kept.all():
        gaussian = _gaussian(own.sums, shares, count, ranks)
    if not ranks.is_first:
        return None
    labels = None if source.labels is None else source.labels[kept]
    about = dict(labels=labels, gaussian=gaussian, size=own.size)
    return Rows(source.name, count, *rows, **about)


class _Work(NamedTuple):
    source: object
    view: View
    kept: np.ndarray  # (n,) which images
    logits: bool

    def of(self, parts: Sequence[np.ndarray]) -> Share:
        """Rows of some batches."""
        count = len(_kept_of(parts, self.kept))
        features, logits = _Store(count), _Store(count)
        moments, size = Moments(), None
        self.view.extractor.to(get_device())
        with undisturbed(), repeatable():
            for part, image in zip(parts, self.source.batches(parts), strict=True):
                found, size = self.view.of(image), tuple(image.shape[2:])
                own = torch.from_numpy(self.kept[part])
                rows = self._checked(found.features)
                features.add(rows[own])
                if self.logits and found.logits is not None:
                    logits.add(found.logits.float().cpu()[own])
                if not self.kept.all():
                    moments.add(rows)
        return Share(features.rows, logits.rows, moments.sums, size)

    def _checked(self, rows: Tensor) -> Tensor:
        rows = rows.float().cpu()
        if rows.ndim == 2 and rows.isfinite().all():
            return rows
        raise ValueError(
            f'{self.view.extractor.name} makes rows of shape {tuple(rows.shape)} of '
            f'{self.source.name}; allowed: finite ones (N, D)'
        )


class _Store:
    """Room for rows, taken when the first ones come."""

    def __init__(self, count: int):
        self.count, self.filled, self.rows = count, 0, None

    def add(self, rows: Tensor) -> None:
        if self.rows is None:
            self.rows = rows.new_empty(self.count, *rows.shape[1:])
        self.rows[self.filled : self.filled + len(rows)] = rows
        self.filled += len(rows)


def _kept_of(parts: Sequence[np.ndarray], kept: np.ndarray) -> np.ndarray:
    index = np.concatenate([*parts, np.empty(0, dtype=np.int64)])
    return index[kept[index]]


def _gaussian(sums: Tensor | None, shares, count: int, ranks: Ranks):
    """Of all ranks' sums, on the first one."""
    working = [rank for rank, parts in enumerate(shares) if parts]
    places = [np.flatnonzero(np.array(working) == rank) for rank in range(ranks.count)]
    of_ranks = ranks.collected(None if sums is None else sums[None], places)
    return gaussian_of_sums(of_ranks.sum(0), count) if ranks.is_first else None
