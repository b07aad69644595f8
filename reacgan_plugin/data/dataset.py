"""What every data set here has in common, and randomness as a function of position."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch.utils.data import Dataset

from reacgan_plugin.data.resizing import check_resize
from reacgan_plugin.data.seeding import seed_generators
from reacgan_plugin.data.tuples import with_tuples
from reacgan_plugin.registry import TRANSFORMS, build, raise_as_refusal

# what transforms of others raise for settings that are not allowed
MISTAKES = (
    AssertionError,
    LookupError,
    NotImplementedError,
    OverflowError,
    TypeError,
    ValueError,
)


class NamedClasses(Dataset):
    """What follows from ``classes``, the names of the classes."""

    @property
    def num_classes(self) -> int:
        """K, how many classes there are."""
        return len(self.classes)

    @property
    def metainfo(self) -> dict:
        """The names of the classes, where OpenMMLab's tools look for them."""
        return dict(classes=tuple(self.classes))


class ImageDataset(NamedClasses):
    """Labelled images that go through a pipeline of transforms.

    Args:
        pipeline: transforms, each a config dict or a callable, dict in and dict out.
        classes: names of the classes, the place in the list being the label.
        labels: one integer per image, so that labels are known without decoding.

    A subclass writes :meth:`load` and nothing else.
    Raises: ValueError for a pipeline entry that is neither a dict nor a callable.
    """

    def __init__(self, pipeline: Sequence, *, classes: Sequence[str], labels):
        self.classes = [str(name) for name in classes]
        self.labels = np.asarray(labels, dtype=np.int64)
        self.pipeline = build_pipeline(pipeline)

    def load(self, index: int) -> dict:
        """The pipeline's input: 'label' and 'img' (H, W[, 3]) or 'img_path'."""
        raise NotImplementedError(f'{type(self).__name__} must define load()')

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict:
        if not -len(self) <= index < len(self):
            raise IndexError(f'image {index} of {len(self)}')
        results = self.load(int(index) % len(self))
        for transform in self.pipeline:
            results = _applied(transform, results)
            if results is None:
                raise ValueError(
                    f'{transform!r} gave None for image {index}; a transform here '
                    'may not drop an image, since every position must be filled'
                )
        return results


class SeededDataset(Dataset):
    """Draws of a pipeline as a function of (seed, position), not of who loads what.

    Items are asked for as (index, position), which is what the training sampler gives:
    Python's, numpy's and torch's CPU generators are seeded from (seed, position), then
    the image at the index is loaded. So the number of workers changes nothing, and a
    resumed run draws what the uninterrupted one would have. A plain index is passed on
    without seeding.

    Args:
        dataset: anything with ``__getitem__`` and ``__len__``.
        seed: of the run.
    """

    def __init__(self, dataset: Dataset, seed: int):
        self.dataset = dataset
        self.seed = int(seed)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, item: int | tuple[int, int]):
        if not isinstance(item, tuple):
            return self.dataset[item]
        index, position = item
        seed_generators(self.seed, position)
        return self.dataset[index]


def _applied(transform, results: dict):
    try:
        return transform(results)
    except MISTAKES as error:
        raise_as_refusal(error, type(transform), repr(transform))


def build_pipeline(pipeline: Sequence) -> list:
    """Transforms from their configs, by our names, mmcv's or registered ones."""
    if not isinstance(pipeline, list | tuple):
        raise ValueError(f'pipeline={pipeline!r}; allowed: a list of transforms')
    return [_build_transform(entry) for entry in pipeline]


def _build_transform(entry):
    if not isinstance(entry, dict) and not callable(entry):
        raise ValueError(
            f'pipeline entry {entry!r} is neither a config such as '
            "dict(type='PackImage') nor a callable"
        )
    check_resize(entry)
    return build(TRANSFORMS, with_tuples(entry))
