"""Data sets of torchvision, Hugging Face and others, seen as one of ours."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.logging import print_log
from PIL import Image

from reacgan_plugin.data.dataset import ImageDataset
from reacgan_plugin.data.files import names_of_labels
from reacgan_plugin.registry import DATASETS, build

IMAGES = 'an image of PIL, an array (H, W[, C]) or dict(bytes=...)'


class MappingDataset(ImageDataset):
    """Anything with ``len`` whose items are pairs (image, label) or dicts of columns.

    Args:
        dataset: the data set; or a config whose type makes one, by its import path:
            ``dict(type='torchvision.datasets.FashionMNIST', root='data')``,
            ``dict(type='datasets.load_from_disk', dataset_path='data/birds')``.
        pipeline: as in :class:`ImageDataset`; starts with ``LoadImage``, so that the
            data set itself should have no transforms.
        image: column of the images, where items are dicts.
        label: column of the labels, where items are dicts.
        classes: names, or a text file with one a line; by default those that the data
            set says, in ``classes`` or ``features[label].names``, or else numbers.

    Labels are taken from ``targets``, ``labels`` or the column, without decoding; only
    where there is none of these is every item read once, of which the log tells.
    Raises: ValueError for items of another kind, and labels that are not one integer
    an image.
    """

    def __init__(
        self,
        dataset: Any,
        *,
        pipeline: Sequence,
        image: str = 'image',
        label: str = 'label',
        classes: Sequence[str] | str | os.PathLike | None = None,
    ):
        # not 'dataset', where a selection has the data set of ours that it goes around
        self.source = build(DATASETS, dataset)
        self.columns = (image, label)
        self.name = type(self.source).__name__
        labels = self._labels()
        classes = classes or _said_classes(self.source, label)
        super().__init__(
            pipeline, classes=names_of_labels(classes, labels, self.name), labels=labels
        )

    def load(self, index: int) -> dict:
        image = self._entry(self.source[index], place=0)
        where = f'{self.name}[{index}]'
        if isinstance(image, Mapping) and image.keys() & {'bytes', 'path'}:
            found = dict(img_bytes=image.get('bytes'), img_path=image.get('path'))
            found['img_path'] = found['img_path'] or where
        elif isinstance(image, Image.Image | np.ndarray):
            found = dict(img=image, img_path=where)
        else:
            raise ValueError(
                f'{where} is a {type(image).__name__}; allowed: {IMAGES}. If the data '
                'set has transforms of its own, leave them out: the pipeline has them'
            )
        return dict(found, label=int(self.labels[index]))

    def _entry(self, item, place: int):
        """The image or the label of an item."""
        key = self.columns[place]
        try:
            return item[key if isinstance(item, Mapping) else place]
        except (KeyError, IndexError, TypeError):
            found = list(item) if isinstance(item, Mapping) else type(item).__name__
            raise ValueError(
                f'{self.name}: an item has no {key!r}, found {found}; '
                f'{("image", "label")[place]}= names the column'
            ) from None

    def _labels(self) -> np.ndarray:
        labels = _said_labels(self.source, self.columns[1])
        if labels is None:
            print_log(
                f'{self.name} does not say its labels: all of its {len(self.source):,} '
                'items are read once',
                logger='current',
            )
            items = (self.source[index] for index in range(len(self.source)))
            labels = [self._entry(item, place=1) for item in items]
        labels = np.asarray(labels)
        if labels.dtype.kind not in 'iu' or labels.shape != (len(self.source),):
            raise ValueError(
                f'{self.name}: labels are {labels.dtype} of shape {labels.shape}; '
                f'allowed: integers ({len(self.source)},), one class an image'
            )
        return labels


def _said_labels(source, label: str):
    for name in ('targets', 'labels'):
        if getattr(source, name, None) is not None:
            return getattr(source, name)
    if label in (getattr(source, 'column_names', None) or ()):
        return source[label][:]
    return None


def _said_classes(source, label: str) -> list[str] | None:
    features = getattr(source, 'features', None)
    if isinstance(features, Mapping) and label in features:
        return getattr(features[label], 'names', None)
    return getattr(source, 'classes', None)
