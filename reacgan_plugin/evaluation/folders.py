"""A folder of image files, with classes where it has class folders.

Importing this module needs mmengine and mmcv.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from reacgan_plugin.data import ImageDataset
from reacgan_plugin.data.class_folder import EXTENSIONS


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
        files = sorted(_image_files(self.data_root))
        if not files:
            known = ', '.join(EXTENSIONS)
            raise ValueError(f'{str(folder)!r} holds no image ({known})')
        self.files = np.array([os.fsencode(file) for file in files])
        classes, labels = _classes(files)
        pipeline = [dict(type='LoadImage'), *_resizing(size), dict(type='PackImage')]
        super().__init__(pipeline, classes=classes, labels=labels)
        if not classes:
            self.labels = None

    def __len__(self) -> int:
        return len(self.files)

    def load(self, index: int) -> dict:
        path = self.data_root / os.fsdecode(self.files[index])
        label = 0 if self.labels is None else int(self.labels[index])
        return dict(img_path=str(path), label=label)


def _image_files(root: Path):
    """Paths relative to the root."""
    for folder, subfolders, names in os.walk(root, followlinks=True):
        subfolders[:] = [name for name in subfolders if not name.startswith('.')]
        for name in names:
            if not name.startswith('.') and name.lower().endswith(EXTENSIONS):
                yield os.path.relpath(os.path.join(folder, name), root)


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
