"""Real images, as metrics see them: those of a data set, every one once and as it is.

Letters: n images, B of a batch.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from reacgan_plugin.data.dataset import SeededDataset
from reacgan_plugin.data.subset import Subset
from reacgan_plugin.evaluation.quantise import as_rgb_bytes
from reacgan_plugin.evaluation.sampling import as_arrays
from reacgan_plugin.registry import DATASETS, build, parameters_of, registered


class DatasetImages:
    """Images of a data set or its config, in its order.

    Args:
        dataset: items are dict(image=(1 or 3, H, W)), bytes or floats in [-1, 1].
        name: what reports call it; None: by its type and its split or folder.
        num_workers: processes that decode.
    """

    def __init__(
        self, dataset: Dataset | dict, *, name: str | None = None, num_workers: int = 0
    ):
        self.name = name or dataset_name(dataset)
        self.dataset = build(DATASETS, dataset)
        self.num_workers = num_workers

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def labels(self) -> np.ndarray | None:
        """(n,) classes, if the data set has some."""
        labels = getattr(self.dataset, 'labels', None)
        return None if labels is None else np.asarray(labels)

    def batches(self, parts: Sequence[np.ndarray]) -> Iterator[Tensor]:
        """uint8 (B, 3, H, W) for each part, a list of indices.

        Raises: ValueError for an image that does not load and for several sizes.
        """
        loader = DataLoader(
            SeededDataset(self.dataset, seed=0),
            batch_sampler=[[(i, i) for i in part.tolist()] for part in parts],
            num_workers=self.num_workers,
            collate_fn=_stacked,
            generator=torch.Generator(),  # else iter() would draw from the global one
        )
        try:
            yield from loader
        except ValueError as error:  # a worker's has its traceback in it
            last = str(error).strip().splitlines()[-1]
            reason = last.split(f'{type(error).__name__}: ')[-1]
            raise ValueError(f'{self.name}: {reason}') from error


def images_and_labels(dataset: Dataset | dict) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, H, W, C) uint8 and labels (n,) of a data set or its config."""
    dataset = build(DATASETS, dataset)
    images = torch.stack([dataset[i]['image'] for i in range(len(dataset))])
    return as_arrays(images), dataset.labels


def unaltered(dataset: dict) -> dict:
    """The config of a training set without what makes it another one: transforms whose
    names begin with ``Random``, and what leaves images out, at whatever depth."""
    if not isinstance(dataset, Mapping):
        return dataset
    if _is_subset(dataset):
        return unaltered(dataset['dataset'])
    dataset = copy.deepcopy(dataset)
    if 'dataset' in dataset:  # around which this one goes
        dataset['dataset'] = unaltered(dataset['dataset'])
    if 'pipeline' in dataset:
        kept = [entry for entry in dataset['pipeline'] if not _is_random(entry)]
        dataset['pipeline'] = kept
    return dataset


@contextmanager
def missing_data(option: str | None) -> Iterator[None]:
    """Data that is not there is named, and the option of a tool that names other data,
    in place of the training command's."""
    try:
        yield
    except ValueError as error:
        if '--cfg-options' not in str(error):
            raise
        problem, _, _ = str(error).partition('. ')
        hint = f'; name other real images: {option} DIR' if option else ''
        raise ValueError(f'{problem}{hint}') from error


def dataset_name(dataset: Dataset | dict) -> str:
    """Type and split, or folder: ``'CIFAR10 train'``, ``'ClassFolder data/birds'``."""
    if not isinstance(dataset, dict):
        parts = type(dataset).__name__, getattr(dataset, 'data_root', None)
        return ' '.join(str(part) for part in parts if part)
    kind = dataset['type']
    split = dataset.get('split')
    if split is None and 'split' in (known := parameters_of(DATASETS, dataset) or {}):
        split = known['split'].default
    what = split or dataset.get('data_root')
    name = kind if isinstance(kind, str) else kind.__name__
    return f'{name} {what}' if what else name


def _is_subset(dataset: Mapping) -> bool:
    kind = registered(DATASETS, dataset) if 'type' in dataset else None
    return isinstance(kind, type) and issubclass(kind, Subset)


def _is_random(entry) -> bool:
    kind = entry.get('type') if isinstance(entry, dict) else type(entry)
    return getattr(kind, '__name__', str(kind)).startswith('Random')


def _stacked(items: list[dict]) -> Tensor:
    images = [as_rgb_bytes(item['image']) for item in items]
    sizes = sorted({tuple(image.shape[-2:]) for image in images})
    if len(sizes) > 1:
        raise ValueError(
            f'images have several sizes, such as {sizes[0]} and {sizes[-1]} (H, W); '
            'metrics compare images of one size: a Resize in the pipeline brings them '
            'to it, of two folders --size'
        )
    return torch.stack(images)
