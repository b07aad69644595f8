"""A folder of image files, with classes where it has class folders.

Importing this module needs mmengine and mmcv.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reacgan_plugin.data import ImageDataset
from reacgan_plugin.data.files import EXTENSIONS, encoded, files_below, is_image
from reacgan_plugin.sampling.classes import same_classes


class ImageFolder(ImageDataset):
    """All image files in and below a folder, hidden ones left out, sorted.

    Args:
        folder: where they are. Where every file lies in a subfolder, the subfolders of
            the first level are the classes; otherwise ``labels`` is None.
        size: (H, W) that images are brought to, of a square the largest centred one;
            None: as they are.

    Raises: ValueError for a folder that is missing or has no images.
    """

    def __init__(
        self, folder: str | os.PathLike, *, size: tuple[int, int] | None = None
    ):
        self.data_root = Path(folder)
        if not self.data_root.is_dir():
            raise ValueError(f'{str(folder)!r} is not a folder')
        files = sorted(filter(is_image, files_below(self.data_root)))
        if not files:
            known = ', '.join(EXTENSIONS)
            raise ValueError(f'{str(folder)!r} holds no image ({known})')
        self.files = encoded(files)
        classes, labels = _classes(files)
        pipeline = [dict(type='LoadImage'), *_resizing(size), dict(type='PackImage')]
        super().__init__(pipeline, classes=classes, labels=labels)
        if not classes:
            self.labels = None

    def take_classes(self, names: Sequence[str]) -> bool:
        """Take others' numbers of the classes, see
        :func:`~reacgan_plugin.sampling.classes.same_classes`; labels are None where
        these are other classes, or none."""
        places = same_classes(self.classes, names)
        if self.labels is None or places is None:
            self.labels = None
            return False
        self.labels, self.classes = np.array(places)[self.labels], list(names)
        return True

    def __len__(self) -> int:
        return len(self.files)

    def load(self, index: int) -> dict:
        path = self.data_root / os.fsdecode(self.files[index])
        label = 0 if self.labels is None else int(self.labels[index])
        return dict(img_path=str(path), label=label)


def _classes(files: list[str]) -> tuple[list[str], np.ndarray]:
    """Names of the classes, none where a file lies outside of them, and labels."""
    parts = [Path(file).parts for file in files]
    if min(map(len, parts)) == 1:
        return [], np.zeros(len(files))
    names, labels = np.unique([first for first, *_ in parts], return_inverse=True)
    return names.tolist(), labels


def _resizing(size: tuple[int, int] | None) -> list[dict]:
    if size is None:
        return []
    height, width = size
    resize = dict(
        type='Resize',
        scale=(width, height),
        backend='pillow',
        interpolation='lanczos',
    )
    return [dict(type='CenterCropSquare'), resize] if height == width else [resize]
