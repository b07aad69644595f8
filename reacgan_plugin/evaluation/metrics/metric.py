"""What a metric is: rows of reals and fakes to numbers.

These are no subclasses of mmengine's ``BaseMetric``: its evaluator would gather every
row once for each metric, by pickle through files, and leave the other ranks waiting
where one metric fails.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from reacgan_plugin.evaluation.rows import Rows

FEW = 500  # of which a share varies by two in a hundred


class FewImages(UserWarning):
    """A number of too few images to mean what it usually means."""


class Metric:
    """A subclass names its numbers and computes them.

    ``better`` has for each number ``'less'`` or ``'greater'``, whichever is better, or
    None for one that only goes along; ``uses_logits`` asks for the extractor's logits
    of the fakes; ``depends_on`` names attributes that change the numbers.
    """

    better: ClassVar[Mapping[str, str | None]] = {}
    uses_logits: ClassVar[bool] = False
    depends_on: ClassVar[Sequence[str]] = ()

    def settings(self) -> dict:
        """Those of its settings that change its numbers."""
        return {name: getattr(self, name) for name in self.depends_on}

    def compute(self, real: Rows, fake: Rows) -> dict[str, float]:
        """Numbers by name, those of ``better``.

        Raises: ValueError where the rows do not suffice; FewImages is a warning.
        """
        raise NotImplementedError(f'{type(self).__name__} must define compute()')


def warn(message: str) -> None:
    """Say that a number is of few images."""
    warnings.warn(message, FewImages, stacklevel=3)


def few(what: str, *sets: Rows) -> None:
    """Warn where a share of a set's images says little, since there are few."""
    for rows in sets:
        found = len(rows.wanted('features'))
        if found < FEW:
            warn(f'{what}: a rough share, of {found} images ({rows.name}) alone')


def unlike(what: str, real: Rows, fake: Rows) -> None:
    """Warn where a number that depends on the ratio of reals to fakes is of unlike
    sets."""
    counts = [len(rows.features) for rows in (real, fake)]
    if max(counts) > 2 * min(counts):
        warn(
            f'{what}: {counts[0]} reals, {counts[1]} fakes; compare with numbers of '
            'this ratio alone'
        )


def at_least(least: int, what: str, *sets: Rows) -> None:
    """ValueError unless every set has so many features."""
    for rows in sets:
        found = len(rows.wanted('features'))
        if found < least:
            raise ValueError(
                f'{what} takes {least} images or more; {rows.name} has {found}'
            )


def on_gpu(rows: Rows) -> Tensor:
    """The features, on a GPU if there is one, for distances of all pairs."""
    features = rows.wanted('features')
    return features.cuda() if torch.cuda.is_available() else features
