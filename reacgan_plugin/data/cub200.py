"""CUB-200-2011 as published (Wah et al. 2011): birds of 200 species, with boxes."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform

from reacgan_plugin.data.files import ImageFiles, existing, rows_of
from reacgan_plugin.options import one_of

FOLDER = 'CUB_200_2011'  # of the published archive
SPLITS = {'train': ('1',), 'test': ('0',), 'all': ('0', '1')}


class CUB200(ImageFiles):
    """5,994 images to train and 5,794 to test.

    Args:
        data_root: the unpacked folder ``CUB_200_2011``, or the one that holds it.
        split: 'train', 'test' or 'all'.
        pipeline: as in :class:`ImageDataset`; starts with ``LoadImage``. A
            :class:`CropToBox` after it cuts out the bird.

    Items have the published 'box', (left, top, width, height) in pixels.
    Raises: ValueError for a list that is missing or incomplete.
    """

    def __init__(
        self,
        data_root: str | os.PathLike,
        *,
        split: str = 'train',
        pipeline: Sequence,
    ):
        one_of('split', split, SPLITS)
        holds = f'{FOLDER}, unpacked, with images.txt and images'
        root = existing(data_root, holds)
        if not (root / 'images.txt').is_file() and (root / FOLDER).is_dir():
            root = root / FOLDER
        files = dict(rows_of(root / 'images.txt', 2))
        parts = _by_image(root / 'train_test_split.txt', 2, files)
        chosen = [image for image in files if parts[image][0] in SPLITS[split]]
        classes = dict(rows_of(root / 'classes.txt', 2))
        labels = _labels(root / 'image_class_labels.txt', files, list(classes))
        boxes = _by_image(root / 'bounding_boxes.txt', 5, files)
        super().__init__(
            root / 'images',
            (files[image] for image in chosen),
            labels=[labels[image] for image in chosen],
            classes=list(classes.values()),
            pipeline=pipeline,
        )
        self.boxes = np.array([boxes[image] for image in chosen], dtype=float)

    def load(self, index: int) -> dict:
        return dict(super().load(index), box=tuple(self.boxes[index].tolist()))


class CropToBox(BaseTransform):
    """Keep what is inside ``results['box']``, (left, top, width, height) in pixels.

    Shapes: 'img' (H, W[, 3]) -> that of the box, as far as it lies in the image.
    Raises: ValueError for an item without a box, and a box outside of the image.
    """

    def transform(self, results: dict) -> dict:
        if 'box' not in results:
            raise ValueError("CropToBox: the item has no 'box'; CUB200's have")
        left, top, width, height = results['box']
        right, bottom = math.ceil(left + width), math.ceil(top + height)
        left, top = max(math.floor(left), 0), max(math.floor(top), 0)
        image = results['img'][top:bottom, left:right]
        if not image.size:
            raise ValueError(
                f'CropToBox: the box {results["box"]} lies outside of '
                f'{results.get("img_path")!r}, {results["img"].shape[:2]} (H, W)'
            )
        results['img'], results['img_shape'] = image, image.shape[:2]
        return results

    def __repr__(self) -> str:
        return 'CropToBox()'


def _labels(file: Path, images, numbers: Sequence[str]) -> dict[str, int]:
    """The label of each image, by its number."""
    places = {number: label for label, number in enumerate(numbers)}
    labels = {}
    for image, (number,) in _by_image(file, 2, images).items():
        if number not in places:
            raise ValueError(f'{str(file)!r}: class {number!r} is not in classes.txt')
        labels[image] = places[number]
    return labels


def _by_image(file: Path, columns: int, images) -> dict[str, list[str]]:
    """What a list says of each image, by its number."""
    found = {image: row for image, *row in rows_of(file, columns)}
    missing = [image for image in images if image not in found]
    if missing:
        raise ValueError(f'{str(file)!r} has no line for image {missing[0]}')
    return found
