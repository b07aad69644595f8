"""Chunks of images, each prepared by one process and written as a whole."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from reacgan_plugin.data.dataset import ImageDataset
from reacgan_plugin.data.loading import BrokenImage
from reacgan_plugin.data.workers import belong_to, leave_ctrl_c
from reacgan_plugin.preparing.formats import Sample
from reacgan_plugin.preparing.recipe import Recipe
from reacgan_plugin.sampling.classes import class_folder

PLAIN = re.compile(r'\w[\w .-]*')  # names of folders everywhere, and hidden nowhere


class Chunk(NamedTuple):
    """What became of a chunk."""

    number: int
    images: int  # of the source
    broken: list  # [index, why] of each image that does not load
    problem: str | None = None  # why it could not be written


class Chunks(Dataset):
    """Chunks of a source; to get one is to prepare and write it.

    Args:
        source: whose ``load`` gives images and labels.
        recipe: what is done to an image.
        form: of the result, one of :mod:`reacgan_plugin.preparing.formats`.
        work: the folder where it writes.
    """

    def __init__(self, source: ImageDataset, recipe: Recipe, form, work: Path):
        self.source, self.form, self.work = source, form, work
        self.transforms = recipe.transforms()
        self.folders = class_folders(source.classes)
        order = form.order(len(source))
        self.parts = np.split(order, range(form.per_chunk, len(order), form.per_chunk))

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, number: int) -> Chunk:
        broken: list = []
        try:
            self.form.write(self.work, number, self._samples(number, broken))
        except OSError as error:  # a worker's would come with its traceback
            return Chunk(number, 0, [], error.strerror or str(error))
        return Chunk(number, len(self.parts[number]), broken)

    def _samples(self, number: int, broken: list) -> Iterator[Sample]:
        for index in self.parts[number].tolist():
            try:
                png = self._png(index)
            except BrokenImage as error:
                broken.append([index, str(error)])
            else:
                label = int(self.source.labels[index])
                yield Sample(index, label, self.folders[label], png)

    def _png(self, index: int) -> bytes:
        results = self.source.load(index)
        for transform in self.transforms:
            results = transform(results)
        content = io.BytesIO()
        Image.fromarray(results['img']).save(content, format='PNG')
        return content.getvalue()


def done(chunks: Chunks, numbers: Sequence[int], workers: int) -> Iterator[Chunk]:
    """Do the chunks, in their order, in so many processes; 0: in this one."""
    yield from DataLoader(
        chunks,
        batch_size=None,
        sampler=numbers,
        num_workers=min(workers, len(numbers)),
        collate_fn=_as_it_is,
        worker_init_fn=partial(_begin_worker, os.getpid()),
    )


def class_folders(classes: Sequence[str]) -> list[str]:
    """Names of folders which, sorted, are in the order of the labels: the classes' own,
    or ``007_cat``. Nothing in them leads out of the result."""
    names = list(classes)
    plain = all(PLAIN.fullmatch(name) and not name.endswith('.') for name in names)
    if plain and names == sorted(set(names)):
        return names
    return [class_folder(label, names, len(names)) for label in range(len(names))]


def _as_it_is(chunk: Chunk) -> Chunk:
    return chunk


def _begin_worker(main: int, worker: int) -> None:
    leave_ctrl_c()
    belong_to(main)
