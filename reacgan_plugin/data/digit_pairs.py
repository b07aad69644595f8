"""Many classes of real images where nothing is downloaded: two digits side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reacgan_plugin.data.dataset import ImageDataset
from reacgan_plugin.data.digits import NUM_CLASSES, SPLITS, load_digit_images
from reacgan_plugin.options import in_range, one_of, whole


class DigitPairs(ImageDataset):
    """Pairs of scikit-learn's handwritten digits in 100 classes, '00' to '99'.

    An image is 8 x 16, a digit of each half from the single digits of the split: pairs
    of the test split are of digits that no pair of the training split has. Ten classes
    are easy for any conditioning; a hundred, of which each differs from eighteen others
    by one half alone, are not.

    Args:
        split: 'train', 'test' or 'all' of the single digits.
        pipeline: as in :class:`ImageDataset`.
        per_class: pairs of each class, all different.
        held_out: share of every digit that makes the test split.
        seed: of the split and of which pairs there are, not of the run.

    Raises: ValueError for another split and for more pairs of a class than there are.
    """

    def __init__(
        self,
        split: str = 'train',
        *,
        pipeline: Sequence,
        per_class: int = 100,
        held_out: float = 0.25,
        seed: int = 0,
    ):
        one_of('split', split, SPLITS)
        images, digit = load_digit_images(split, held_out=held_out, seed=seed)
        self.digits = np.repeat(images[..., None], 3, axis=3)
        rows = [np.flatnonzero(digit == number) for number in range(NUM_CLASSES)]
        most = min(map(len, rows)) ** 2
        whole('per_class', per_class, above=0)
        in_range('per_class', per_class, above=0, up_to=most)
        number = range(NUM_CLASSES**2)
        tens_and_ones = [divmod(label, NUM_CLASSES) for label in number]
        self.pairs = np.concatenate(
            [
                _pairs(rows[left], rows[right], per_class, (seed, left, right))
                for left, right in tens_and_ones
            ]
        )
        super().__init__(
            pipeline,
            classes=[f'{left}{right}' for left, right in tens_and_ones],
            labels=np.repeat(number, per_class),
        )

    def load(self, index: int) -> dict:
        image = np.concatenate(self.digits[self.pairs[index]], axis=1)
        return dict(img=image, label=int(self.labels[index]))


def _pairs(left: np.ndarray, right: np.ndarray, count: int, seed) -> np.ndarray:
    """Rows of single digits (count, 2), drawn from all pairs without replacement."""
    drawn = np.random.default_rng(seed).choice(
        len(left) * len(right), count, replace=False
    )
    first, second = np.divmod(drawn, len(right))
    return np.stack([left[first], right[second]], axis=1)
