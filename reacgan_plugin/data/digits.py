"""Real images that come with scikit-learn: what trains where nothing is downloaded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reacgan_plugin.data.dataset import ImageDataset
from reacgan_plugin.options import in_range, one_of, whole

SPLITS = ('train', 'test', 'all')
HIGHEST_LEVEL = 16  # of the published pixels
NUM_CLASSES = 10


class Digits(ImageDataset):
    """1,797 handwritten digits of 8 x 8 pixels in 10 classes, held in memory.

    Args:
        split: 'train', 'test' or 'all'.
        pipeline: as in :class:`ImageDataset`.
        held_out: share of every class that makes the test split.
        seed: of the split, not of the run: the same digits are held out in every run.
        channels: 3 for grey RGB, 1 for (8, 8).

    Raises: ValueError for another split or number of channels.
    """

    def __init__(
        self,
        split: str = 'train',
        *,
        pipeline: Sequence,
        held_out: float = 0.25,
        seed: int = 0,
        channels: int = 3,
    ):
        one_of('split', split, SPLITS)
        one_of('channels', channels, (1, 3))
        images, labels = load_digit_images(split, held_out=held_out, seed=seed)
        if channels == 3:
            images = np.repeat(images[..., None], 3, axis=3)
        self.images = images
        classes = [str(digit) for digit in range(NUM_CLASSES)]
        super().__init__(pipeline, classes=classes, labels=labels)

    def load(self, index: int) -> dict:
        return dict(img=self.images[index], label=int(self.labels[index]))


def load_digit_images(split: str, *, held_out: float = 0.25, seed: int = 0):
    """The digits of a split: uint8 (N, 8, 8), labels (N,)."""
    in_range('held_out', held_out, above=0.01, up_to=0.99)
    whole('seed', seed, above=-1)
    # Here, because importing scikit-learn takes longer than reading its digits.
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = np.rint(digits.images * (255 / HIGHEST_LEVEL)).astype(np.uint8)
    if split == 'all':
        return images, digits.target
    train, test = train_test_split(
        np.arange(len(images)),
        test_size=held_out,
        stratify=digits.target,
        random_state=seed,
    )
    rows = np.sort(train if split == 'train' else test)
    return images[rows], digits.target[rows]
