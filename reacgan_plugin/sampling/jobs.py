"""What ``tools/sample.py`` does in each of its modes: options in, files and a line out.

Importing this module needs mmengine.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import torch
from torch import Tensor

from reacgan_plugin.config import checkpoint_config
from reacgan_plugin.progress import shown
from reacgan_plugin.sampling.arguments import ANIMATION, ARCHIVE, PICTURE
from reacgan_plugin.sampling.classes import (
    class_folder,
    class_indices,
    counted,
    every_class,
)
from reacgan_plugin.sampling.directions import along_directions, closed_form_directions
from reacgan_plugin.sampling.drawing import draw, draw_batches
from reacgan_plugin.sampling.files import check_free, places, write_folder, write_zip
from reacgan_plugin.sampling.interpolation import between_classes, between_seeds
from reacgan_plugin.sampling.loading import Loaded, load_generator
from reacgan_plugin.sampling.neighbours import FEATURES, nearest_neighbours
from reacgan_plugin.sampling.pictures import save_animation, save_picture
from reacgan_plugin.sampling.real_images import image_batches, real_images

MOST_ROWS = 20  # of classes in one picture


def do(options: argparse.Namespace) -> str:
    """Do what the command line asks for; returns the closing line.

    Raises: ValueError for a checkpoint, class or setting that is not possible.
    """
    separate = options.ending not in (PICTURE, ANIMATION)
    if separate:
        check_free(options.out, overwrite=options.overwrite)
    loaded = load_generator(
        options.checkpoint, raw=options.raw, trust_imports=options.trust_imports
    )
    if options.mode == 'samples':
        return (_separate_samples if separate else _picture)(loaded, options)
    return JOBS[options.mode](loaded, options)


def _picture(loaded: Loaded, options: argparse.Namespace) -> str:
    classes, left_out = _rows(loaded, options)
    label, seeds = every_class(classes, options.seed, options.num)
    images = draw(loaded.generator, label, seeds, **_drawing(options))
    columns = len(images) // len(classes) if len(classes) > 1 else None
    save_picture(images, options.out, columns=columns)
    return f'{len(images)} samples in {options.out}{left_out}'


def _grids(loaded: Loaded, options: argparse.Namespace) -> str:
    classes = _classes(loaded, options)
    label, seeds = every_class(classes, options.seed, options.num)
    each = len(seeds) // len(classes)
    for place in _shown(range(len(classes)), len(classes)):
        part = slice(place * each, (place + 1) * each)
        images = draw(loaded.generator, label[part], seeds[part], **_drawing(options))
        name = class_folder(classes[place], loaded.names, loaded.num_classes)
        save_picture(images, options.out / f'{name}.png')
    return f'{len(classes)} pictures of {each} samples in {options.out}'


def _separate_samples(loaded: Loaded, options: argparse.Namespace) -> str:
    classes = _classes(loaded, options)
    label, seeds = every_class(classes, options.seed, options.num)
    batches = draw_batches(loaded.generator, label, seeds, **_drawing(options))
    is_archive = options.ending == ARCHIVE
    count = (write_zip if is_archive else write_folder)(
        _shown(batches, len(seeds)),
        places(label.tolist(), seeds, loaded.names, loaded.num_classes),
        options.out,
    )
    return f'{count} samples in {options.out}'


def _interpolation(loaded: Loaded, options: argparse.Namespace) -> str:
    settings, left_out = dict(frames=options.frames, **_drawing(options)), ''
    if options.interpolate[0] == 'class':
        points = class_indices(options.points, loaded.names, loaded.num_classes)
        seeds = counted(options.seed, options.num)
        frames = between_classes(loaded.generator, points, seeds, **settings)
    else:
        classes, left_out = _rows(loaded, options)
        frames = between_seeds(loaded.generator, options.points, classes, **settings)
    return _save_frames(frames, options) + left_out


def _directions(loaded: Loaded, options: argparse.Namespace) -> str:
    label = _classes(loaded, options)[0]
    middle = (options.frames - 1) / 2
    frames = along_directions(
        loaded.generator,
        closed_form_directions(loaded.generator, options.directions),
        [(place - middle) * options.step for place in range(options.frames)],
        label=label,
        seed=options.seed,
        **_drawing(options),
    )
    return _save_frames(frames, options)


def _neighbours(loaded: Loaded, options: argparse.Namespace) -> str:
    classes, left_out = _rows(loaded, options)
    label, seeds = every_class(classes, options.seed, options.num)
    samples = draw(loaded.generator, label, seeds, **_drawing(options))
    size = tuple(samples.shape[2:])
    config = checkpoint_config(options.checkpoint, trust_imports=options.trust_imports)
    folder = None if options.neighbours is True else options.neighbours
    real = real_images(folder, config, size)
    found = nearest_neighbours(
        samples,
        _shown(image_batches(real, options.batch), len(real)),
        options.k,
        features=FEATURES[options.features](next(loaded.generator.parameters()).device),
        batch=options.batch,
    )
    rows = torch.cat([samples[:, None], found.images], 1)
    save_picture(rows.flatten(0, 1), options.out, columns=rows.shape[1])
    return (
        f'{len(samples)} samples, each beside its {options.k} nearest of '
        f'{len(real)} real images ({options.features}), in {options.out}{left_out}'
    )


JOBS = {
    'grids': _grids,
    'interpolate': _interpolation,
    'neighbours': _neighbours,
    'directions': _directions,
}


def _classes(loaded: Loaded, options: argparse.Namespace) -> list[int]:
    """Those wanted, each once."""
    found = class_indices(options.classes, loaded.names, loaded.num_classes)
    return list(dict.fromkeys(found))


def _rows(loaded: Loaded, options: argparse.Namespace) -> tuple[list[int], str]:
    """Classes that get a row of one picture, the first ones where none were chosen, and
    what to say of that."""
    classes = _classes(loaded, options)
    if options.classes is not None or len(classes) <= MOST_ROWS:
        return classes, ''
    left_out = f'; the first {MOST_ROWS} of {len(classes):,} classes, others by --class'
    return classes[:MOST_ROWS], left_out


def _drawing(options: argparse.Namespace) -> dict:
    return dict(truncation=options.truncation, batch=options.batch)


def _save_frames(frames: Tensor, options: argparse.Namespace) -> str:
    rows, columns = frames.shape[:2]
    if options.ending == ANIMATION:
        save_animation(frames, options.out)
        return f'{columns} frames of {rows} images in {options.out}'
    save_picture(frames.flatten(0, 1), options.out, columns=columns)
    return f'{rows} rows of {columns} images in {options.out}'


def _shown(items, total: int) -> Iterator:
    return shown(items, total, size=lambda i: len(i) if isinstance(i, Tensor) else 1)
