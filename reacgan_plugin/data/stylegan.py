"""Data sets as StyleGAN's tools make them: a zip, or a folder, with dataset.json."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

import numpy as np

from reacgan_plugin.data.containers import FolderFiles, ZipFiles
from reacgan_plugin.data.dataset import ImageDataset
from reacgan_plugin.data.files import existing, is_image, names_of_labels
from reacgan_plugin.options import some

LABELS = 'dataset.json'


class StyleGANArchive(ImageDataset):
    """Images in a zip or a folder whose ``dataset.json`` has their labels, in place.

    Args:
        data_root: the zip or the folder.
        pipeline: as in :class:`ImageDataset`; starts with ``LoadImage``.
        use_labels: False for a model without classes: all images are of one.
        classes: names, or a text file with one a line; by default those that
            ``dataset.json`` has under 'classes', or else numbers.

    Labels are integers or one-hot rows.
    Raises: ValueError for a damaged zip, for images or labels that are not there and
    for labels of several classes an image.
    """

    def __init__(
        self,
        data_root: str | os.PathLike,
        *,
        pipeline: Sequence,
        use_labels: bool = True,
        classes: Sequence[str] | str | os.PathLike | None = None,
    ):
        path = existing(
            data_root,
            f'a zip of images with {LABELS} in it, or a folder of them',
            allowed=('file', 'folder'),
        )
        self.source = FolderFiles(path) if path.is_dir() else ZipFiles(path)
        self.data_root = self.source.path
        names = [os.fsdecode(name) for name in self.source.names]
        self.rows = np.array([i for i, name in enumerate(names) if is_image(name)], int)
        images = [names[row] for row in self.rows]
        if not images:
            raise ValueError(f'{self.data_root!r} holds no image')
        self.files = self.source.names[self.rows] if path.is_dir() else [self.data_root]
        said = self._said(names) if use_labels else {}
        labels = np.zeros(len(images), int)
        if use_labels:
            labels = _labels(images, said.get('labels'), f'{self.data_root}/{LABELS}')
        classes = names_of_labels(
            classes or said.get('classes'), labels, self.data_root
        )
        super().__init__(pipeline, classes=classes, labels=labels)

    def load(self, index: int) -> dict:
        row = self.rows[index]
        name = os.fsdecode(self.source.names[row])
        return dict(
            img_path=f'{self.data_root}/{name}',
            img_bytes=self.source.read(row),
            label=int(self.labels[index]),
        )

    def _said(self, names: list[str]) -> dict:
        if LABELS not in names:
            return {}
        content = self.source.read(names.index(LABELS))
        try:
            said = json.loads(content)
        except ValueError as error:
            raise ValueError(f'{self.data_root}/{LABELS} is damaged: {error}') from None
        return said if isinstance(said, dict) else {}


def _labels(images: list[str], entries, where: str) -> np.ndarray:
    """Labels (n,) in the order of the images."""
    if not entries:
        raise ValueError(
            f'{where} has no labels (null, or no such file), which a model with '
            'classes needs; for one without set use_labels=False'
        )
    try:
        found = {name.replace('\\', '/'): label for name, label in entries}
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f'{where}: labels is no list of pairs [file, label]') from None
    for missing, what in (
        ([name for name in images if name not in found], 'no label of'),
        (sorted(found.keys() - {*images}), 'labels of images that are not there:'),
    ):
        if missing:
            raise ValueError(f'{where} has {what} {some(missing, 3)}')
    try:
        labels = np.array([found[name] for name in images])
    except ValueError:  # rows of several lengths
        labels = np.array(None)
    if labels.ndim == 2 and _one_hot(labels):
        return labels.argmax(1)
    if labels.ndim != 1 or labels.dtype.kind not in 'iu':
        raise ValueError(
            f'{where}: labels are neither integers nor one-hot rows, such as '
            f'{found[images[0]]!r} of {images[0]}; allowed: one class an image'
        )
    return labels


def _one_hot(rows: np.ndarray) -> bool:
    is_number = rows.dtype.kind in 'iuf'
    return is_number and bool(
        ((rows != 0).sum(1) == 1).all() and (rows.max(1) == 1).all()
    )
