"""CIFAR-10 and CIFAR-100 as published: the binary or the python version, unpacked or
still in its archive, which is read in place."""

from __future__ import annotations

import os
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from reacgan_plugin.data.dataset import ImageDataset
from reacgan_plugin.data.safe_pickle import load_plain_pickle
from reacgan_plugin.options import one_of

IMAGE_SHAPE = (3, 32, 32)  # as stored: red plane, green plane, blue plane
IMAGE_BYTES = 3 * 32 * 32


class Version(NamedTuple):
    """One published form of a data set."""

    folder: str
    archive: str
    files: dict[str, tuple[str, ...]]  # by split
    names: str  # of the file with the class names
    label_bytes: int = 0  # before each image in the binary version
    label_key: str = ''  # in the dict of the python version


class Cifar(ImageDataset):
    """What both have in common: images in memory, uint8 (N, 32, 32, 3).

    Args:
        data_root: the folder that holds the unpacked folder or the archive; or the
            unpacked folder itself.
        split: 'train' or 'test'.
        pipeline: as in :class:`ImageDataset`.

    Raises: ValueError when nothing is found (naming what was looked for), for a damaged
    file (naming it) and for a pickle that asks for more than plain data.
    """

    versions: tuple[Version, ...]

    def __init__(
        self,
        data_root: str | os.PathLike,
        *,
        split: str = 'train',
        pipeline: Sequence,
    ):
        one_of('split', split, ('train', 'test'))
        version, contents = self._find(data_root, split)
        classes = _class_names(version, contents.pop(version.names))
        parts = [_parse(version, name, content) for name, content in contents.items()]
        self.images = np.concatenate([images for images, _ in parts])
        labels = np.concatenate([labels for _, labels in parts])
        super().__init__(pipeline, classes=classes, labels=labels)

    def load(self, index: int) -> dict:
        return dict(img=self.images[index], label=int(self.labels[index]))

    def _find(self, data_root, split: str) -> tuple[Version, dict[str, bytes]]:
        """The first version that is there, and its files by name."""
        if not data_root:  # an empty path would mean the working directory
            raise ValueError(self._missing(data_root))
        root = Path(data_root)
        for version in self.versions:
            wanted = (*version.files[split], version.names)
            for folder in (root / version.folder, root):
                if all((folder / name).is_file() for name in wanted):
                    return version, _read_folder(folder, wanted)
        for version in self.versions:
            if (root / version.archive).is_file():
                wanted = (*version.files[split], version.names)
                return version, _read_archive(root / version.archive, wanted)
        raise ValueError(self._missing(root))

    def _missing(self, root) -> str:
        folders = ' or '.join(f'{version.folder}/' for version in self.versions)
        archives = ' or '.join(version.archive for version in self.versions)
        return (
            f'{type(self).__name__}: data_root={str(root)!r} holds neither {folders} '
            f'(complete) nor {archives}. Get {self.versions[0].archive} from the CIFAR '
            'page of the University of Toronto, put it there, unpacked or not, and set '
            '--cfg-options train_dataloader.dataset.data_root=FOLDER'
        )


class CIFAR10(Cifar):
    """60,000 images of 32 x 32 in 10 classes; arguments of :class:`Cifar`."""

    versions = (
        Version(
            folder='cifar-10-batches-bin',
            archive='cifar-10-binary.tar.gz',
            files=dict(
                train=tuple(f'data_batch_{part}.bin' for part in range(1, 6)),
                test=('test_batch.bin',),
            ),
            names='batches.meta.txt',
            label_bytes=1,
        ),
        Version(
            folder='cifar-10-batches-py',
            archive='cifar-10-python.tar.gz',
            files=dict(
                train=tuple(f'data_batch_{part}' for part in range(1, 6)),
                test=('test_batch',),
            ),
            names='batches.meta',
            label_key='labels',
        ),
    )


class CIFAR100(Cifar):
    """60,000 images of 32 x 32 in 100 fine classes; arguments of :class:`Cifar`."""

    versions = (
        Version(
            folder='cifar-100-binary',
            archive='cifar-100-binary.tar.gz',
            files=dict(train=('train.bin',), test=('test.bin',)),
            names='fine_label_names.txt',
            label_bytes=2,  # coarse, fine
        ),
        Version(
            folder='cifar-100-python',
            archive='cifar-100-python.tar.gz',
            files=dict(train=('train',), test=('test',)),
            names='meta',
            label_key='fine_labels',
        ),
    )


def _read_folder(folder: Path, wanted: Sequence[str]) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in wanted}


def _read_archive(archive: Path, wanted: Sequence[str]) -> dict[str, bytes]:
    """The wanted members, in the wanted order; nothing is written to disk."""
    contents = {}
    try:
        with tarfile.open(archive) as members:
            for member in members:
                name = member.name.rsplit('/', 1)[-1]
                if name in wanted and member.isfile():
                    contents[name] = members.extractfile(member).read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise ValueError(f'cannot read {str(archive)!r}: {error}') from error
    missing = [name for name in wanted if name not in contents]
    if missing:
        raise ValueError(f'{str(archive)!r} lacks {", ".join(missing)}')
    return {name: contents[name] for name in wanted}


def _parse(version: Version, name: str, content: bytes):
    """Images (N, 32, 32, 3) and labels (N,) of one file."""
    read = _parse_binary if version.label_bytes else _parse_pickle
    rows, labels = read(version, name, content)
    images = rows.reshape(-1, *IMAGE_SHAPE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels


def _parse_binary(version: Version, name: str, content: bytes):
    """Rows of label bytes, the last of which is the (fine) class, and an image."""
    width = version.label_bytes + IMAGE_BYTES
    if not content or len(content) % width:
        raise ValueError(
            f'{name}: {len(content):,} bytes are no whole number of images of '
            f'{width:,} bytes; the file is damaged or of another data set'
        )
    rows = np.frombuffer(content, dtype=np.uint8).reshape(-1, width)
    return rows[:, version.label_bytes :], rows[:, version.label_bytes - 1]


def _parse_pickle(version: Version, name: str, content: bytes):
    batch = _text_keys(load_plain_pickle(content, name), name)
    if 'data' not in batch or version.label_key not in batch:
        raise ValueError(
            f'{name}: expected data and {version.label_key}, found '
            f'{", ".join(map(str, batch))}'
        )
    rows, labels = np.asarray(batch['data']), np.asarray(batch[version.label_key])
    if rows.dtype != np.uint8 or rows.shape != (len(labels), IMAGE_BYTES):
        raise ValueError(
            f'{name}: data is {rows.dtype} {rows.shape} with {len(labels)} labels; '
            f'expected uint8 (N, {IMAGE_BYTES})'
        )
    return rows, labels


def _class_names(version: Version, content: bytes) -> list[str]:
    if version.label_bytes:
        lines = content.decode('latin-1').splitlines()
        return [line.strip() for line in lines if line.strip()]
    names = _text_keys(load_plain_pickle(content, version.names), version.names)
    key = 'fine_label_names' if 'fine_label_names' in names else 'label_names'
    if key not in names:
        raise ValueError(f'{version.names}: no label_names in it')
    return [_text(name) for name in names[key]]


def _text_keys(batch, name: str) -> dict:
    if not isinstance(batch, dict):
        raise ValueError(f'{name}: expected a dict, found {type(batch).__name__}')
    return {_text(key): value for key, value in batch.items()}


def _text(value) -> str:
    return value.decode('latin-1') if isinstance(value, bytes) else str(value)
