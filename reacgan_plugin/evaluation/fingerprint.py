"""Whether a data set is still the one of which features were kept."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from hashlib import blake2b

import numpy as np
import torch

from reacgan_plugin.data.dataset import SeededDataset
from reacgan_plugin.data.seeding import undisturbed

LOOKED_AT = 3  # images that are decoded: first, middle, last
IMAGES = 3  # dimensions of an array of them, (n, H, W), at least


def fingerprint(dataset) -> str:
    """A name of a data set's content: 32 digits that change with it.

    Files count by name, size and time of change, arrays that the data set holds by
    their bytes, pipelines by what they say of themselves and by what they make of a few
    images; where there are neither files nor arrays of images, of all.
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
    arrays = _arrays(dataset)
    for name, value in arrays.items():
        yield f'{name} {value.dtype} {tuple(value.shape)}'.encode()
        yield _bytes(value)
    if hasattr(dataset, 'files'):
        yield from _files(dataset)
    if hasattr(dataset, 'dataset'):  # around which this one goes
        yield fingerprint(dataset.dataset).encode()
    yield from _images(dataset, all_of_them=not _says_images(dataset, arrays))


def _arrays(dataset) -> dict[str, np.ndarray | torch.Tensor]:
    """All attributes that are arrays, by name."""
    found = sorted(getattr(dataset, '__dict__', {}).items())
    return {k: v for k, v in found if isinstance(v, np.ndarray | torch.Tensor)}


def _bytes(value: np.ndarray | torch.Tensor) -> bytes | memoryview:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    elif value.dtype.hasobject:
        return repr(value.tolist()).encode()
    return memoryview(np.ascontiguousarray(value).reshape(-1).view(np.uint8))


def _says_images(dataset, arrays: Mapping) -> bool:
    """Whether files, a data set inside or an array tell all images apart."""
    if hasattr(dataset, 'files') or hasattr(dataset, 'dataset'):
        return True
    return any(value.ndim >= IMAGES for value in arrays.values())


def _images(dataset, *, all_of_them: bool) -> Iterator[bytes]:
    last = len(dataset) - 1
    looked_at = last + 1 if all_of_them else LOOKED_AT
    seeded = SeededDataset(dataset, seed=0)
    for index in np.linspace(0, last, looked_at).round().astype(int).tolist():
        image = seeded[index, index]['image']
        yield f'{image.dtype} {tuple(image.shape)}'.encode()
        yield image.contiguous().numpy().tobytes()


def _files(dataset) -> Iterator[bytes]:
    for file in dataset.files:
        path = os.path.join(getattr(dataset, 'data_root', ''), os.fsdecode(file))
        about = os.stat(path)
        yield f'{os.fsdecode(file)} {about.st_size} {about.st_mtime_ns}'.encode()
