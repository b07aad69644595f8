"""WebDataset's shards: tars of images and labels, for data too large for one disk."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from reacgan_plugin.data.containers import Reader
from reacgan_plugin.data.dataset import ImageDataset
from reacgan_plugin.data.files import names_of_labels
from reacgan_plugin.data.tar_index import BLOCK, shard_index

BRACES = re.compile(r'\{([^{}]*)\}')
RANGE = re.compile(r'(\d+)\.\.(\d+)')
NAME_BYTES = 100  # at the start of a header, which stands right before the content


class TarShards(ImageDataset):
    """Images of many tars, read in place and in any order.

    Args:
        shards: a path, or several, such as one a disk; each may have braces,
            'train-{000000..000099}.tar' or '{a,b}.tar', or be a glob, '*.tar'.
        pipeline: as in :class:`ImageDataset`; starts with ``LoadImage``.
        classes: names, or a text file with one a line; by default numbers.
        image: extension of the images; by default any of an image.
        label: extension of the files with a label, an integer as text.

    What is in a shard is found once and kept beside it, as ``SHARD.index.npz``; with
    that, a run starts at once and any place in the stream is reached without reading
    what comes before. Shards must be on disks that every process sees, unpacked.
    Raises: ValueError naming the shard that is missing or damaged.
    """

    def __init__(
        self,
        shards: Sequence[str] | str | os.PathLike,
        *,
        pipeline: Sequence,
        classes: Sequence[str] | str | os.PathLike | None = None,
        image: str | None = None,
        label: str = 'cls',
    ):
        paths = expanded(shards)
        self.files = [str(path.absolute()) for path in paths]
        indices = [shard_index(path, image=image, label=label) for path in paths]
        self.rows = np.concatenate(indices)
        self.ends = np.cumsum([len(index) for index in indices])
        self.reader = Reader()
        labels = self.rows['label']
        names = names_of_labels(classes, labels, f'{self.files[0]} ...')
        super().__init__(pipeline, classes=names, labels=labels)
        print_log(f'{len(self):,} images in {len(paths):,} shards', logger='current')

    def load(self, index: int) -> dict:
        shard = self.files[np.searchsorted(self.ends, index, side='right')]
        start, size, label = self.rows[index].tolist()
        content = self.reader.read(shard, start - BLOCK, BLOCK + size)
        name = content[:NAME_BYTES].rstrip(b'\0').decode(errors='replace')
        return dict(img_path=f'{shard}/{name}', img_bytes=content[BLOCK:], label=label)


def expanded(shards: Sequence[str] | str | os.PathLike) -> list[Path]:
    """Every shard that the paths name, in their order.

    Raises: ValueError for one that is not there or named twice.
    """
    patterns = [shards] if isinstance(shards, str | os.PathLike) else list(shards)
    paths = [path for pattern in patterns for path in _one(str(pattern))]
    if not paths:
        raise ValueError("shards: none; give a path, such as 'train-{000..099}.tar'")
    for path in paths:
        if not path.is_file():
            raise ValueError(f'the shard {str(path)!r} is not there')
    twice = len(paths) - len(set(paths))
    if twice:
        raise ValueError(f'shards: {twice} of {len(paths)} are named twice')
    return paths


def _one(pattern: str) -> Iterator[Path]:
    for path in _without_braces(pattern):
        if glob.has_magic(path) and not os.path.exists(path):
            found = sorted(glob.glob(path))
            if not found:
                raise ValueError(f'shards: no file fits {path!r}')
            yield from map(Path, found)
        else:
            yield Path(path)


def _without_braces(pattern: str) -> Iterator[str]:
    """'{00..02}' counts, with as many digits; '{a,b}' names."""
    pieces = BRACES.split(pattern)
    options = [
        _options(piece) if place % 2 else [piece] for place, piece in enumerate(pieces)
    ]
    return map(''.join, product(*options))


def _options(inside: str) -> list[str]:
    counted = RANGE.fullmatch(inside)
    if not counted:
        return inside.split(',')
    first, last = counted.groups()
    padded = any(len(end) > 1 and end[0] == '0' for end in (first, last))
    width = max(len(first), len(last)) if padded else 1
    return [f'{n:0{width}}' for n in range(int(first), int(last) + 1)]
