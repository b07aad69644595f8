"""Samples as files of their own, written as they come: a folder, or one archive."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from reacgan_plugin.sampling.classes import class_folder
from reacgan_plugin.sampling.pictures import as_pil
from reacgan_plugin.writing import written_aside


class Place(NamedTuple):
    """Where a sample goes."""

    name: str  # below the folder or in the archive, '3_cat/class3_seed000017.png'
    label: int


def places(
    label: Iterable[int], seeds: Sequence[int], names: Sequence[str], num_classes: int
) -> list[Place]:
    """A subfolder for each class; file names have class and seed, which draw the same
    image again."""
    digits = max(6, len(str(max(seeds))))
    found = []
    for number, seed in zip(label, seeds, strict=True):
        folder = class_folder(number, names, num_classes)
        file = f'class{class_folder(number, (), num_classes)}_seed{seed:0{digits}}.png'
        found.append(Place(f'{folder}/{file}', number))
    return found


def write_folder(
    batches: Iterable[Tensor], where: Iterable[Place], folder: str | Path
) -> int:
    """Write images as PNGs below a folder, and return how many.

    Each file has its name once it is whole, so that what is there when the work stops
    can be used. Files that are there already are replaced if they have the same name,
    and stay if they do not.

    Args:
        batches: uint8 (n, 3, H, W) each.
        where: their places, one an image.
    """
    count = 0
    for image, place in _each(batches, where):
        with written_aside(Path(folder, place.name)) as file:
            as_pil(image).save(file, format='PNG')
        count += 1
    return count


def write_zip(
    batches: Iterable[Tensor], where: Iterable[Place], path: str | Path
) -> int:
    """Write images as PNGs into an archive, and return how many.

    With them goes ``dataset.json``, the labels in the form that NVIDIA's StyleGANs
    read: ``{"labels": [["3/class3_seed000017.png", 3], ...]}``. The archive has its
    name once it is whole, and the same images make the same bytes.

    Args: as of :func:`write_folder`.
    """
    labels = []
    with written_aside(path) as file, zipfile.ZipFile(file, 'w') as archive:
        for image, place in _each(batches, where):
            content = io.BytesIO()
            as_pil(image).save(content, format='PNG')
            # an entry made by hand has no time of day
            archive.writestr(zipfile.ZipInfo(place.name), content.getvalue())
            labels.append([place.name, place.label])
        listed = json.dumps({'labels': labels})
        archive.writestr(zipfile.ZipInfo('dataset.json'), listed)
    return len(labels)


def check_free(out: str | Path, *, overwrite: bool) -> None:
    """ValueError where an archive or a folder that is not empty would be written to,
    unless that is wanted."""
    out = Path(out)
    if overwrite or not out.exists():
        return
    if not out.is_dir():
        raise ValueError(f'{out} is there already; --overwrite replaces it')
    if any(out.iterdir()):
        raise ValueError(
            f'{out} is a folder with files; --overwrite writes into it, where files of '
            'the same name are replaced and others stay'
        )


def _each(
    batches: Iterable[Tensor], where: Iterable[Place]
) -> Iterator[tuple[Tensor, Place]]:
    images = (image for batch in batches for image in batch)
    return zip(images, where, strict=True)
