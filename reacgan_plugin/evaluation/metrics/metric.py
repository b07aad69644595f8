"""What a metric is: rows of reals and fakes to numbers.

These are no subclasses of mmengine's ``BaseMetric``: its evaluator would gather every
row once for each metric, by pickle through files, and leave the other ranks waiting
where one metric fails.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from reacgan_plugin.evaluation.rows import Rows


class FewImages(UserWarning):
    """A number of too few images to mean what it usually means."""


class Metric:
    """A subclass names its numbers and computes them.

    ``better`` has for each number ``'less'`` or ``'greater'``, whichever is better, or
    None for one that only goes along; ``uses_logits`` asks for the extractor's logits
    of the fakes.
    """

    better: ClassVar[Mapping[str, str | None]] = {}
    uses_logits: ClassVar[bool] = False

    def compute(self, real: Rows, fake: Rows) -> dict[str, float]:
        """Numbers by name, those of ``better``.

        Raises: ValueError where the rows do not suffice; FewImages is a warning.
        """
        raise NotImplementedError(f'{type(self).__name__} must define compute()')


def warn(message: str) -> None:
    """Say that a number is of few images."""
    warnings.warn(message, FewImages, stacklevel=3)


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
