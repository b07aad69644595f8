"""Where the images of a tar shard lie, and their labels.

A tar has no directory: to know what is in it, one goes through it. That is done once;
what was found is kept beside the shard, from where the next run takes it.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmengine.logging import print_log

from reacgan_plugin.data.files import EXTENSIONS
from reacgan_plugin.options import some
from reacgan_plugin.writing import written_aside

VERSION = 1  # of the index
BLOCK = tarfile.BLOCKSIZE
ROW = np.dtype([('start', 'i8'), ('size', 'i8'), ('label', 'i8')])


class Sample(NamedTuple):
    """Members of one key: the image, and the bytes of its label."""

    key: str
    images: list[tarfile.TarInfo]
    label: bytes | None


def shard_index(shard: Path, *, image: str | None, label: str) -> np.ndarray:
    """Start, size and label of every image of a shard, (n,) of ``ROW``.

    Args:
        shard: a tar.
        image: extension of the images, None for any of an image.
        label: extension of the files that hold a label, an integer as text.

    Raises: ValueError naming the shard that is missing, damaged or cut, and the sample
    without an image or a label.
    """
    kept = shard.with_name(f'{shard.name}.index.npz')
    try:
        about = shard.stat()
        made_for = json.dumps([VERSION, about.st_size, about.st_mtime_ns, image, label])
        rows = _kept(kept, made_for)
        if rows is None:
            rows = _read(shard, image, label)
            about = f'{len(rows):,} images, found by going through it'
            print_log(f'{shard.name}: {about}', logger='current')
            _keep(kept, rows, made_for)
    except (tarfile.TarError, OSError, EOFError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise ValueError(
            f'cannot read the shard {str(shard)!r}: {reason}; allowed: a complete tar, '
            'not compressed'
        ) from error
    return rows


def key_and_extension(name: str) -> tuple[str, str]:
    """'train/n01_7.seg.PNG' -> ('train/n01_7', 'seg.png'), as WebDataset splits it."""
    folder, slash, file = name.rpartition('/')
    stem, _, extension = file.partition('.')
    return f'{folder}{slash}{stem}', extension.lower()


def _read(shard: Path, image: str | None, label: str) -> np.ndarray:
    rows = []
    for sample in _samples(shard, image, label):
        member = _image(sample, shard, image)
        rows.append((member.offset_data, member.size, _label(sample, shard, label)))
    if not rows:
        raise ValueError(f'the shard {str(shard)!r} holds no samples')
    return np.array(rows, ROW)


def _samples(shard: Path, image: str | None, label: str) -> Iterator[Sample]:
    """Members that share a key, which follow each other."""
    wanted = {image} if image else {extension[1:] for extension in EXTENSIONS}
    sample = None
    with tarfile.open(shard, 'r:') as members:
        for member in members:
            members.members = []  # which would grow with the shard
            key, extension = key_and_extension(member.name)
            if not member.isreg() or member.issparse() or not extension:
                continue
            if sample is None or key != sample.key:
                if sample is not None:
                    yield sample
                sample = Sample(key, [], None)
            if extension in wanted:
                sample.images.append(member)
            elif extension == label:
                sample = sample._replace(label=members.extractfile(member).read(BLOCK))
        _check_end(members)
    if sample is not None:
        yield sample


def _check_end(members: tarfile.TarFile) -> None:
    """Python takes a header that it cannot read for the end of a tar."""
    members.fileobj.seek(members.offset)
    if members.fileobj.read(BLOCK) != bytes(BLOCK):
        raise tarfile.ReadError(f'damaged or cut at byte {members.offset:,}')


def _image(sample: Sample, shard: Path, image: str | None) -> tarfile.TarInfo:
    if len(sample.images) == 1:
        return sample.images[0]
    names = some(member.name for member in sample.images) or 'none'
    raise ValueError(
        f'{sample.key!r} in {str(shard)!r} should have one image, found: {names}; '
        f'image={image!r} is the extension that counts'
    )


def _label(sample: Sample, shard: Path, label: str) -> int:
    where = f'{sample.key!r} in {str(shard)!r}'
    if sample.label is None:
        raise ValueError(
            f'{where} has no label, a file {sample.key}.{label}; label={label!r} is '
            'its extension'
        )
    try:
        return int(sample.label)
    except ValueError:
        raise ValueError(
            f'{where}: {sample.key}.{label} is {sample.label[:20]!r}; it must be an '
            'integer as text'
        ) from None


def _kept(file: Path, made_for: str) -> np.ndarray | None:
    """Rows that were found before, unless the shard has changed."""
    try:
        with np.load(file, allow_pickle=False) as found:
            if str(found['made_for']) == made_for and found['rows'].dtype == ROW:
                return found['rows']
    except Exception:  # not there, or damaged in one of numpy's and zip's many ways
        pass
    return None


def _keep(file: Path, rows: np.ndarray, made_for: str) -> None:
    try:
        with written_aside(file) as stream:
            np.savez(stream, rows=rows, made_for=made_for)
    except OSError as error:
        print_log(
            f'the index of {file.name} cannot be kept beside the shard '
            f'({error.strerror}); every run reads the shard anew',
            logger='current',
        )
