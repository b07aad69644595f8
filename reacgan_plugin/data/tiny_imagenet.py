"""Tiny-ImageNet as published: 64 x 64 pixels in 200 classes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from reacgan_plugin.data.files import ImageFiles, existing, is_image, rows_of
from reacgan_plugin.options import one_of

FOLDER = 'tiny-imagenet-200'  # of the published archive


class TinyImageNet(ImageFiles):
    """100,000 images to train and 10,000 to validate; the test images have no labels.

    Args:
        data_root: the unpacked folder ``tiny-imagenet-200``, or the one that holds it.
        split: 'train' or 'val'.
        pipeline: as in :class:`ImageDataset`; starts with ``LoadImage``.

    Labels follow the sorted WordNet ids, as those of class folders do; ``classes`` are
    the first of the words that the data set has for each.
    Raises: ValueError for what is missing, and for an image of an unknown class.
    """

    def __init__(
        self,
        data_root: str | os.PathLike,
        *,
        split: str = 'train',
        pipeline: Sequence,
    ):
        one_of('split', split, ('train', 'val'))
        holds = f'{FOLDER}, unpacked, with wnids.txt, words.txt, train and val'
        root = existing(data_root, holds)
        if not (root / 'wnids.txt').is_file() and (root / FOLDER).is_dir():
            root = root / FOLDER
        ids = sorted(row[0] for row in rows_of(root / 'wnids.txt', 1))
        pairs = list((_train if split == 'train' else _val)(root, ids))
        super().__init__(
            root,
            (file for file, _ in pairs),
            labels=[label for _, label in pairs],
            classes=_words(root, ids),
            pipeline=pipeline,
        )


def _train(root: Path, ids: Sequence[str]):
    """Path and label of each image."""
    for label, name in enumerate(ids):
        folder = root / 'train' / name / 'images'
        found = sorted(filter(is_image, os.listdir(folder) if folder.is_dir() else ()))
        if not found:
            raise ValueError(f'{str(folder)!r} holds no image of class {name}')
        yield from ((f'train/{name}/images/{file}', label) for file in found)


def _val(root: Path, ids: Sequence[str]):
    file = root / 'val' / 'val_annotations.txt'
    labels = {name: label for label, name in enumerate(ids)}
    for image, name, _ in rows_of(file, 3):  # and a box
        if name not in labels:
            raise ValueError(f'{str(file)!r}: class {name!r} of {image} is unknown')
        yield f'val/images/{image}', labels[name]


def _words(root: Path, ids: Sequence[str]) -> list[str]:
    """'Egyptian cat'; with its id, 'crane (n02012849)', where another class has the
    same word."""
    said = {name: words for name, words in rows_of(root / 'words.txt', 2)}
    first = [said.get(name, name).split(',')[0].strip() for name in ids]
    count = Counter(first)
    return [
        word if count[word] == 1 else f'{word} ({name})'
        for word, name in zip(first, ids, strict=True)
    ]
