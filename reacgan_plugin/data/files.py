"""Images in files of their own, and what is asked of paths and lists before that."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from reacgan_plugin.data.dataset import ImageDataset

# of all formats that LoadImage reads
EXTENSIONS = (
    *('.jpg', '.jpeg', '.jfif', '.png', '.webp', '.gif', '.bmp', '.tif', '.tiff'),
    *('.ppm', '.pgm', '.pbm', '.pnm', '.jp2', '.avif'),
)
MOST_CLASSES = 1_000_000


class ImageFiles(ImageDataset):
    """Images that are files in a folder.

    Args:
        data_root: the folder.
        files: their n paths, relative to it.
        labels: (n,).
        classes: names of the classes, the place in the list being the label.
        pipeline: as in :class:`ImageDataset`; starts with ``LoadImage``.
    """

    def __init__(
        self,
        data_root: str | os.PathLike,
        files: Iterable[str],
        *,
        labels,
        classes: Sequence[str],
        pipeline: Sequence,
    ):
        super().__init__(pipeline, classes=classes, labels=labels)
        self.data_root = Path(data_root)
        self.files = encoded(files)

    def load(self, index: int) -> dict:
        path = self.data_root / os.fsdecode(self.files[index])
        return dict(img_path=str(path), label=int(self.labels[index]))


def encoded(names: Iterable[str]) -> np.ndarray:
    """One array in place of a list of strings: a million of those would be copied into
    every worker, page by page, as their reference counts change."""
    return np.array([os.fsencode(name) for name in names])


def is_image(file: str) -> bool:
    """By its name; a hidden file, such as those that macOS leaves behind, is none."""
    name = file.rsplit('/', 1)[-1]
    return not name.startswith('.') and name.lower().endswith(EXTENSIONS)


def files_below(folder: Path) -> Iterator[str]:
    """Paths of all files, relative to the folder and with slashes; hidden folders are
    passed over, linked ones followed."""
    for place, subfolders, names in os.walk(folder, followlinks=True):
        subfolders[:] = [sub for sub in subfolders if not sub.startswith('.')]
        below = '' if place == str(folder) else f'{os.path.relpath(place, folder)}/'
        yield from (f'{below}{name}' for name in names)


def existing(data_root, holds: str, *, allowed: Sequence[str] = ('folder',)) -> Path:
    """The path, if it is there.

    Args:
        data_root: what the config says.
        holds: what it should be, for the message.
        allowed: 'folder', 'file' or both.
    """
    path = Path(data_root or '')
    is_there = {'folder': path.is_dir(), 'file': path.is_file()}
    if data_root and any(is_there[kind] for kind in allowed):
        return path
    found = f'{str(data_root)!r} is not a {" or ".join(allowed)}'
    raise ValueError(
        f'data_root {found if data_root else "is not set"}. Point it at {holds}: '
        '--cfg-options train_dataloader.dataset.data_root=/path/to/images, or set the '
        'environment variable that the config reads it from'
    )


def rows_of(file: Path, columns: int) -> list[list[str]]:
    """The lines of a text file, cut at white space into so many columns.

    Raises: ValueError for a file that is not there or a line that has fewer.
    """
    rows = []
    for number, line in enumerate(_text(file).splitlines(), 1):
        row = line.split(maxsplit=columns - 1)
        if row and len(row) < columns:
            raise ValueError(
                f'{str(file)!r}, line {number}: {line!r} has {len(row)} columns of '
                f'{columns}; is the file complete?'
            )
        rows += [row] if row else []
    return rows


def listed_classes(classes: Sequence[str] | str | os.PathLike | None) -> list[str]:
    """Names of classes: a list, or a text file with one a line; none for None.

    Raises: ValueError for a name that comes twice, and a file that is not there.
    """
    if isinstance(classes, str | os.PathLike):
        lines = _text(Path(classes)).splitlines()
        classes = [line.strip() for line in lines if line.strip()]
        if not classes:
            raise ValueError('classes: the text file has no names')
    names = [str(name) for name in classes or ()]
    for name, count in Counter(names).items():
        if count > 1:
            raise ValueError(f'classes: {name!r} comes twice; allowed: each name once')
    return names


def names_of_labels(classes, labels: np.ndarray, where: str) -> list[str]:
    """Names of the classes of data that has numbers alone: those listed, which may be
    more than there are, or else the numbers.

    Raises: ValueError naming ``where`` for fewer names than labels ask for, and labels
    that no class can have.
    """
    lowest, highest = int(np.min(labels, initial=0)), int(np.max(labels, initial=-1))
    if lowest < 0 or highest >= MOST_CLASSES:
        raise ValueError(
            f'{where}: labels run from {lowest:,} to {highest:,}; allowed: 0 to '
            f'{MOST_CLASSES - 1:,}'
        )
    names = listed_classes(classes)
    if names and len(names) <= highest:
        raise ValueError(
            f'{where}: classes has {len(names)} names, but the labels run to {highest}'
        )
    return names or [str(label) for label in range(highest + 1)]


def _text(file: Path) -> str:
    try:
        return file.read_text('utf-8')
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise ValueError(f'cannot read {str(file)!r}: {reason}') from error
