"""Whether a data set is still the one of which features were kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import blake2b

import numpy as np

from reacgan_plugin.data.dataset import SeededDataset
from reacgan_plugin.data.seeding import undisturbed

LOOKED_AT = 3  # images that are decoded: first, middle, last


def fingerprint(dataset) -> str:
    """A name of a data set's content: 32 digits that change with it.

    Files count by name, size and time of change, images in memory by their bytes,
    pipelines by what they say of themselves and by what they make of a few images.
    """
    digest = blake2b(digest_size=16)
    with undisturbed():
        for part in _parts(dataset):
            digest.update(len(part).to_bytes(8, 'little') + part)
    return digest.hexdigest()


def _parts(dataset) -> Iterator[bytes]:
    yield type(dataset).__qualname__.encode()
    yield str(len(dataset)).encode()
    # a config that has been JSON has lists in place of tuples
    said = repr(getattr(dataset, 'pipeline', None)).replace('(', '[').replace(')', ']')
    yield said.encode()
    for name in ('labels', 'images', 'kept'):
        if isinstance(value := getattr(dataset, name, None), np.ndarray):
            yield np.ascontiguousarray(value).data.cast('B')
    if hasattr(dataset, 'files'):
        yield from _files(dataset)
    if hasattr(dataset, 'dataset'):  # around which this one goes
        yield fingerprint(dataset.dataset).encode()
    seeded = SeededDataset(dataset, seed=0)
    for index in np.linspace(0, len(dataset) - 1, LOOKED_AT).astype(int).tolist():
        image = seeded[index, index]['image']
        yield f'{image.dtype} {tuple(image.shape)}'.encode()
        yield image.contiguous().numpy().tobytes()


def _files(dataset) -> Iterator[bytes]:
    for file in dataset.files:
        path = os.path.join(getattr(dataset, 'data_root', ''), os.fsdecode(file))
        about = os.stat(path)
        yield f'{os.fsdecode(file)} {about.st_size} {about.st_mtime_ns}'.encode()
