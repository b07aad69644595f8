"""Work that may be stopped at any time: what is done stays done, and the result appears
when it is whole.

All is written beside the destination, in ``DST.preparing``: ``settings.json`` says what
the work is, ``N.done`` that a chunk is done, the rest is its form's.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from reacgan_plugin.data.dataset import ImageDataset
from reacgan_plugin.data.stylegan import LABELS
from reacgan_plugin.options import some
from reacgan_plugin.preparing.chunks import Chunk, Chunks, done
from reacgan_plugin.preparing.formats import image_name, replaced
from reacgan_plugin.preparing.recipe import Recipe

SETTINGS = 'settings.json'
VERSION = 1  # of what is written


def prepare(
    source: ImageDataset,
    destination: Path,
    *,
    recipe: Recipe,
    form,
    workers: int = 0,
    skip_broken: bool = False,
    shown: Callable[[Iterable[Chunk], int], Iterable[Chunk]] = lambda each, total: each,
) -> str:
    """Write the images of a source, prepared; returns what was done, in one line.

    Args:
        source: whose ``load`` gives images and labels.
        destination: of the result; what is there must be of the same work.
        recipe: what is done to an image.
        form: of the result, one of :mod:`reacgan_plugin.preparing.formats`.
        workers: processes; 0: this one.
        skip_broken: leave out images that do not load and list them in
            ``DST.broken.txt``; False: stop at the first.
        shown: what looks on, given the chunks to come and their images.

    Raises: ValueError for a broken image, an occupied destination and work of other
    settings; OSError for a destination that cannot be written.
    """
    settings = _settings(source, recipe.checked(), form)
    work = destination.with_name(f'{destination.name}.preparing')
    if _is_there(destination, settings):
        shutil.rmtree(work, ignore_errors=True)  # left where the end was interrupted
        return f'{destination} is there already, prepared in the same way'
    _begin(work, settings)
    chunks = Chunks(source, recipe, form, work)
    broken = _do_all(chunks, workers, skip_broken, shown)
    about = _about(chunks, settings, {index for index, _ in broken})
    form.finish(work, len(chunks), about).replace(destination)
    listed = f'{destination}.broken.txt'
    if broken:
        reasons = ''.join(f'{reason}\n' for _, reason in broken)
        Path(listed).write_bytes(os.fsencode(reasons))
    shutil.rmtree(work, ignore_errors=True)
    left_out = f'; {len(broken):,} broken ones are listed in {listed}' * bool(broken)
    return f'{len(source) - len(broken):,} images in {destination}{left_out}'


def _settings(source: ImageDataset, recipe: Recipe, form) -> dict:
    """What decides about every byte of the result."""
    return dict(
        version=VERSION,
        format=form.name,
        per_chunk=form.per_chunk,
        **recipe._asdict(),
        images=len(source),
        source=_digest(source),
    )


def _digest(source: ImageDataset) -> str:
    """Of which images there are, and where, but not of their content."""
    place = os.path.abspath(getattr(source, 'data_root', ''))
    digest = hashlib.sha256(repr([type(source).__name__, place]).encode())
    digest.update(repr(list(source.classes)).encode())
    digest.update(np.ascontiguousarray(source.labels).tobytes())
    for file in getattr(source, 'files', ()):
        digest.update(os.fsencode(file) + b'\0')
    return digest.hexdigest()


def _is_there(destination: Path, settings: dict) -> bool:
    """Whether the result is; ValueError where something else is."""
    is_empty = destination.is_dir() and not any(destination.iterdir())
    if not os.path.lexists(destination) or is_empty:
        return False
    found = _prepared_with(destination)
    if found == settings:
        return True
    what = 'was not written by this tool'
    if found is not None:
        what = f'was prepared otherwise ({_differences(found, settings)})'
    raise ValueError(
        f'{destination} is there already and {what}; nothing was changed. Remove it or '
        'choose another destination'
    )


def _prepared_with(destination: Path) -> dict | None:
    try:
        if destination.is_dir():
            content = (destination / LABELS).read_bytes()
        else:
            with zipfile.ZipFile(destination) as archive:
                content = archive.read(LABELS)
        return json.loads(content)['prepared']
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile):
        return None


def _begin(work: Path, settings: dict) -> None:
    """Begin, or go on with the same."""
    work.mkdir(parents=True, exist_ok=True)
    file = work / SETTINGS
    if not file.is_file():
        foreign = [p.name for p in work.iterdir() if p.suffix != '.partial']
        if foreign:
            raise ValueError(f'{work} has files that are not ours: {some(foreign, 3)}')
        with replaced(work, SETTINGS) as begun:
            begun.write(json.dumps(settings).encode())
    found = json.loads(file.read_bytes())
    if found != settings:
        raise ValueError(
            f'{work} was begun otherwise ({_differences(found, settings)}); remove it '
            'or choose another destination'
        )


def _differences(found: dict, wanted: dict) -> str:
    keys = [key for key in wanted if found.get(key) != wanted[key] and key != 'source']
    said = [f'{key} {found.get(key)}, now {wanted[key]}' for key in keys]
    return '; '.join(said or ['from another source'])


def _do_all(chunks: Chunks, workers: int, skip_broken: bool, shown) -> list:
    """Do what is left to do; [index, why] of all broken images, in their order."""
    broken: list = []
    left = []
    for number in range(len(chunks)):
        mark = chunks.work / f'{number}.done'
        found = json.loads(mark.read_bytes()) if mark.is_file() else None
        if found is None or (found and not skip_broken):
            left.append(number)
        else:
            broken += found
    images = sum(len(chunks.parts[number]) for number in left)
    for chunk in shown(done(chunks, left, workers), images):
        if chunk.problem:
            raise ValueError(
                f'cannot write to {chunks.work}: {chunk.problem}; run it again to go on'
            )
        if chunk.broken and not skip_broken:
            raise ValueError(
                f'{chunk.broken[0][1]}; repair it and run this again to go on, or '
                'leave out what does not load with --skip-broken'
            )
        with replaced(chunks.work, f'{chunk.number}.done') as file:
            file.write(json.dumps(chunk.broken).encode())
        broken += chunk.broken
    return sorted(broken)


def _about(chunks: Chunks, settings: dict, broken: set[int]) -> dict:
    """What the result says of itself."""
    labels = chunks.source.labels
    kept = [index for index in range(len(labels)) if index not in broken]
    lost = sorted({*labels.tolist()} - {*labels[kept].tolist()})
    if lost:
        names = some((chunks.source.classes[label] for label in lost), 3)
        raise ValueError(f'no image loads of the class {names}')
    listed = [
        [image_name(index, chunks.folders[label]), label]
        for index, label in zip(kept, labels[kept].tolist(), strict=True)
    ]
    classes = list(chunks.source.classes)
    return dict(
        prepared=settings, classes=classes, folders=chunks.folders, labels=listed
    )
