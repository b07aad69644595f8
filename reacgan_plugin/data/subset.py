"""Parts of a data set: long tails, and as many images of each class."""

from __future__ import annotations

import numpy as np
from torch.utils.data import Dataset

from reacgan_plugin.data.balanced import of_each
from reacgan_plugin.data.dataset import NamedClasses
from reacgan_plugin.options import in_range, some, whole
from reacgan_plugin.registry import DATASETS, build


class Subset(NamedClasses):
    """A data set of which some images are left out.

    Args:
        dataset: config of the whole data set, or one; it has ``labels``.

    A subclass sets ``kept``, (n,) places in the whole one, by :meth:`keep`. Items,
    ``classes`` and ``metainfo`` are those of the data set. Metrics compare with the
    whole one, from which the part was taken to be learned from.
    Raises: ValueError for a data set without labels.
    """

    def __init__(self, dataset: Dataset | dict):
        self.dataset = build(DATASETS, dataset)
        labels = getattr(self.dataset, 'labels', None)
        if labels is None:
            raise ValueError(
                f'{type(self).__name__}: {type(self.dataset).__name__} has no labels, '
                'one integer an image'
            )
        self.labels = np.asarray(labels)
        self.kept = np.arange(len(self.labels))

    def keep(self, kept: np.ndarray) -> None:
        """Leave out all images but these, (n,) places in the whole data set."""
        self.labels, self.kept = np.asarray(self.dataset.labels)[kept], kept

    @property
    def classes(self) -> list[str]:
        """Names of the classes; their numbers where the data set has no names."""
        names = getattr(self.dataset, 'classes', None)
        return list(names or map(str, range(self.labels.max() + 1)))

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, index: int) -> dict:
        return self.dataset[int(self.kept[index])]


class LongTail(Subset):
    """Class k of K keeps n_max * imbalance^(-k / (K - 1)) images, rounded down.

    Source: Cui et al. 2019 ("Class-Balanced Loss Based on Effective Number of
    Samples"), section 5.1.

    Args:
        dataset: config of the whole data set, or one; it has ``labels``.
        imbalance: the largest class over the smallest, 100 for CIFAR-10-LT.
        seed: of which images are kept, not of the run.

    n_max is the size of the largest class; of a class that has fewer images than the
    profile asks for, all are kept, and of each at least one.
    Raises: ValueError for an imbalance below 1.
    """

    def __init__(self, dataset: Dataset | dict, *, imbalance: float, seed: int = 0):
        super().__init__(dataset)
        in_range('imbalance', imbalance, above=0)
        if imbalance < 1:
            raise ValueError(
                f'imbalance={imbalance!r} is below 1; it is the largest class over the '
                f'smallest, {1 / imbalance:g}'
            )
        sizes = np.bincount(self.labels, minlength=self.num_classes)
        shares = imbalance ** (-np.arange(len(sizes)) / max(len(sizes) - 1, 1))
        # above the error of a float, which would make 50 images 49
        profile = np.floor(sizes.max() * shares + 1e-6).astype(int)
        counts = np.minimum(np.maximum(profile, 1), sizes)
        self.keep(drawn_of_each(self.labels, counts, seed))


class PerClass(Subset):
    """So many images of each class.

    Args:
        dataset: config of the whole data set, or one; it has ``labels``.
        count: of images that a class keeps.
        seed: of which images are kept, not of the run. With the same one a smaller
            count keeps a part of what a larger one does.

    Raises: ValueError for a class with fewer.
    """

    def __init__(self, dataset: Dataset | dict, *, count: int, seed: int = 0):
        super().__init__(dataset)
        whole('count', count, above=0)
        sizes = np.bincount(self.labels, minlength=self.num_classes)
        names = self.classes
        fewer = [f'{names[k]} {size}' for k, size in enumerate(sizes) if size < count]
        if fewer:
            raise ValueError(f'count={count}, but these classes have: {some(fewer)}')
        self.keep(drawn_of_each(self.labels, np.full(len(sizes), count), seed))


def drawn_of_each(labels: np.ndarray, counts: np.ndarray, seed: int) -> np.ndarray:
    """Places, ascending, of so many images of each class.

    Args:
        labels: (n,).
        counts: (K,), at most the sizes of the classes.
        seed: each class has an order of its own, of which the first are drawn.
    """
    whole('seed', seed, above=-1)
    kept = [
        np.random.default_rng((seed, k)).permutation(places)[: counts[k]]
        for k, places in enumerate(of_each(labels, len(counts)))
    ]
    return np.sort(np.concatenate(kept))
