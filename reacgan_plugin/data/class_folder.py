"""ImageNet-style folders: root / class / image files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reacgan_plugin.data.dataset import ImageDataset
from reacgan_plugin.options import did_you_mean

EXTENSIONS = ('.jpg', '.jpeg', '.png', '.webp', '.bmp', '.tif', '.tiff', '.ppm')


class ClassFolder(ImageDataset):
    """One folder a class, in any depth below it; hidden files are left out.

    Args:
        data_root: the folder that holds the class folders.
        pipeline: as in :class:`ImageDataset`; starts with ``LoadImage``.
        classes: folder names in the order of their labels; by default all, sorted.

    Raises: ValueError for a missing root, no or an empty class folder, or an unknown
    name in ``classes``.
    """

    def __init__(
        self,
        data_root: str | os.PathLike,
        *,
        pipeline: Sequence,
        classes: Sequence[str] | None = None,
    ):
        self.data_root = _existing_root(data_root)
        classes = _class_names(self.data_root, classes)
        files = [_image_files(self.data_root, name) for name in classes]
        # One array in place of a list of strings: a million of those would be copied
        # into every worker, page by page, as their reference counts change.
        self.files = np.array([os.fsencode(file) for group in files for file in group])
        labels = np.repeat(np.arange(len(classes)), [len(group) for group in files])
        super().__init__(pipeline, classes=classes, labels=labels)

    def load(self, index: int) -> dict:
        path = self.data_root / os.fsdecode(self.files[index])
        return dict(img_path=str(path), label=int(self.labels[index]))


def _existing_root(data_root) -> Path:
    if data_root and Path(data_root).is_dir():
        return Path(data_root)
    found = 'is not set' if not data_root else f'{str(data_root)!r} is not a folder'
    raise ValueError(
        f'data_root {found}. Point it at the folder that holds one folder per class: '
        '--cfg-options train_dataloader.dataset.data_root=/path/to/images, or set the '
        'environment variable that the config reads it from'
    )


def _class_names(root: Path, wanted: Sequence[str] | None) -> list[str]:
    found = sorted(
        entry.name
        for entry in os.scandir(root)
        if entry.is_dir() and not entry.name.startswith('.')
    )
    if not found:
        raise ValueError(
            f'data_root {str(root)!r} holds no class folder; images belong into one '
            f'folder per class, such as {root.name}/cat/1.jpg'
        )
    for name in wanted or ():
        if name not in found:
            hint = did_you_mean(name, found)
            raise ValueError(f'classes: no folder {name!r} in {str(root)!r}{hint}')
    return list(wanted or found)


def _image_files(root: Path, name: str) -> list[str]:
    """Paths of one class relative to the root, sorted."""
    files = []
    for folder, subfolders, names in os.walk(root / name, followlinks=True):
        subfolders[:] = [sub for sub in subfolders if not sub.startswith('.')]
        below_root = os.path.relpath(folder, root)
        files += [os.path.join(below_root, file) for file in names if _is_image(file)]
    if not files:
        raise ValueError(
            f'the class folder {str(root / name)!r} holds no image '
            f'({", ".join(EXTENSIONS)}); remove it, or name the wanted ones in classes'
        )
    return sorted(files)


def _is_image(file: str) -> bool:
    return not file.startswith('.') and file.lower().endswith(EXTENSIONS)
