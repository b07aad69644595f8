"""ImageNet-style folders: root / class / image files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reacgan_plugin.data.files import (
    EXTENSIONS,
    ImageFiles,
    existing,
    files_below,
    is_image,
    listed_classes,
)
from reacgan_plugin.options import did_you_mean


class ClassFolder(ImageFiles):
    """One folder a class, in any depth below it; hidden files are left out.

    Args:
        data_root: the folder that holds the class folders.
        pipeline: as in :class:`ImageDataset`; starts with ``LoadImage``.
        classes: folder names in the order of their labels, or a text file with one a
            line; by default all, sorted.
        nested: every folder in any depth that holds images is a class of its own, named
            by its path: ``'dogs/pug'``.

    Raises: ValueError for a missing root, no or an empty class folder, or an unknown
    name in ``classes``.
    """

    def __init__(
        self,
        data_root: str | os.PathLike,
        *,
        pipeline: Sequence,
        classes: Sequence[str] | str | os.PathLike | None = None,
        nested: bool = False,
    ):
        root = existing(data_root, 'the folder that holds one folder per class')
        wanted = listed_classes(classes)
        groups = _nested_folders(root) if nested else _folders(root, wanted)
        names = _known(wanted, sorted(groups), root)
        counts = [len(groups[name]) for name in names]
        super().__init__(
            root,
            (file for name in names for file in sorted(groups[name])),
            labels=np.repeat(np.arange(len(names)), counts),
            classes=names,
            pipeline=pipeline,
        )


def _folders(root: Path, wanted: Sequence[str]) -> dict[str, list[str]]:
    """Images by class folder, of the wanted ones or of all."""
    found = sorted(
        entry.name
        for entry in os.scandir(root)
        if entry.is_dir() and not entry.name.startswith('.')
    )
    groups = {}
    for name in _known(wanted, found, root):
        below = filter(is_image, files_below(root / name))
        groups[name] = [f'{name}/{file}' for file in below]
        if not groups[name]:
            raise ValueError(
                f'the class folder {str(root / name)!r} holds no image '
                f'({", ".join(EXTENSIONS)}); remove it, or name the wanted ones in '
                'classes'
            )
    return groups


def _nested_folders(root: Path) -> dict[str, list[str]]:
    """Images by the folder that they are in; those in the root itself have no class."""
    groups: dict[str, list[str]] = {}
    for file in filter(is_image, files_below(root)):
        folder, _, _ = file.rpartition('/')
        if folder:
            groups.setdefault(folder, []).append(file)
    return groups


def _known(wanted: Sequence[str], found: Sequence[str], root: Path) -> list[str]:
    """The wanted names, if they are there; by default all."""
    if not found:
        raise ValueError(
            f'data_root {str(root)!r} holds no class folder; images belong into one '
            f'folder per class, such as {root.name}/cat/1.jpg'
        )
    for name in wanted:
        if name not in found:
            hint = did_you_mean(name, found)
            raise ValueError(f'classes: no folder {name!r} in {str(root)!r}{hint}')
    return list(wanted or found)
