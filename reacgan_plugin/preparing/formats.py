"""The forms of a result.

Each is written chunk by chunk and put together at the end, the same bytes however often
the work was interrupted. Below the folder of work a form has what it likes; ``finish``
returns what becomes the result.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from reacgan_plugin.writing import replacing

RESULT = 'result'
CLASSES = 'classes.txt'  # of shards


class Sample(NamedTuple):
    """A prepared image."""

    index: int  # in the source
    label: int
    folder: str  # of its class
    png: bytes

    @property
    def name(self) -> str:
        """Where it goes; of nothing that a source says but its class."""
        return image_name(self.index, self.folder)


def image_name(index: int, folder: str) -> str:
    """``cat/img00000012.png``."""
    return f'{folder}/img{index:08}.png'


class ImageTree:
    """Class folders of PNGs, and ``dataset.json`` as in an archive."""

    name, per_chunk = 'folder', 256

    def order(self, count: int) -> np.ndarray:
        """The source's."""
        return np.arange(count)

    def write(self, work: Path, chunk: int, samples: Iterable[Sample]) -> None:
        """PNGs, one after the other."""
        for sample in samples:
            with replaced(work, f'{RESULT}/{sample.name}') as file:
                file.write(sample.png)

    def finish(self, work: Path, chunks: int, about: dict) -> Path:
        """A folder for every class, also for one that has no images: a data set would
        number those after it anew, and so it complains."""
        for folder in about['folders']:
            (work / RESULT / folder).mkdir(parents=True, exist_ok=True)
        with replaced(work, f'{RESULT}/dataset.json') as file:
            file.write(_json(about, labels=True))
        return work / RESULT


class Archive:
    """One ``.zip`` as StyleGANs read it: PNGs, stored, and ``dataset.json`` with
    ``{"labels": [["cat/img00000000.png", 0], ...]}``."""

    name, per_chunk = 'zip', 256

    def order(self, count: int) -> np.ndarray:
        """The source's."""
        return np.arange(count)

    def write(self, work: Path, chunk: int, samples: Iterable[Sample]) -> None:
        """An archive of the chunk alone."""
        with replaced(work, _part(chunk)) as file, zipfile.ZipFile(file, 'w') as part:
            for sample in samples:
                part.writestr(zipfile.ZipInfo(sample.name), sample.png)

    def finish(self, work: Path, chunks: int, about: dict) -> Path:
        """All parts in one; until then they take as much room again."""
        with replaced(work, RESULT) as file, zipfile.ZipFile(file, 'w') as archive:
            for chunk in range(chunks):
                with zipfile.ZipFile(work / _part(chunk)) as part:
                    for entry in part.infolist():
                        # made by hand, it has no time of day
                        content = part.read(entry)
                        archive.writestr(zipfile.ZipInfo(entry.filename), content)
            listed = _json(about, labels=True)
            archive.writestr(zipfile.ZipInfo('dataset.json'), listed)
        return work / RESULT


class Shards:
    """WebDataset's shards, ``train-000000.tar``, with ``00000012.png`` and
    ``00000012.cls`` of each image; ``classes.txt`` names the classes, one a line.

    Args:
        per_chunk: images of a shard.

    The source's order would give shards of one class each; it is shuffled, always in
    the same way.
    """

    name = 'wds'

    def __init__(self, per_chunk: int):
        self.per_chunk = per_chunk

    def order(self, count: int) -> np.ndarray:
        """Shuffled."""
        return np.random.default_rng(0).permutation(count)

    def write(self, work: Path, chunk: int, samples: Iterable[Sample]) -> None:
        """One shard."""
        with replaced(work, f'{RESULT}/train-{chunk:06}.tar') as file:
            with tarfile.open(fileobj=file, mode='w') as shard:
                for sample in samples:
                    _add(shard, f'{sample.index:08}.png', sample.png)
                    _add(shard, f'{sample.index:08}.cls', b'%d' % sample.label)

    def finish(self, work: Path, chunks: int, about: dict) -> Path:
        """The names of the classes."""
        names = [' '.join(name.split()) for name in about['classes']]
        with replaced(work, f'{RESULT}/{CLASSES}') as file:
            file.write('\n'.join([*names, '']).encode(errors='replace'))
        with replaced(work, f'{RESULT}/dataset.json') as file:
            file.write(_json(about, labels=False))
        return work / RESULT


@contextmanager
def replaced(work: Path, name: str) -> Iterator[BinaryIO]:
    """A file below ``work`` that has its name once it is whole.

    Workers may outlive a run that was killed, by a chunk: so the file has a name of
    this process until then, and ``work`` is not made anew after its end.
    """
    path, aside = work / name, work / f'{os.getpid()}.partial'
    for folder in reversed(path.relative_to(work).parents[:-1]):
        (work / folder).mkdir(exist_ok=True)
    with replacing(path, aside) as file:
        yield file


def _part(chunk: int) -> str:
    return f'part-{chunk:06}.zip'


def _json(about: dict, *, labels: bool) -> bytes:
    left_out = {'folders'} if labels else {'folders', 'labels'}
    kept = {key: value for key, value in about.items() if key not in left_out}
    return json.dumps(kept).encode()


def _add(shard: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    shard.addfile(member, io.BytesIO(content))
