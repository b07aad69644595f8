"""A look at the images of a data set, as its files have them and as its pipeline gives
them. Letters: n images."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from reacgan_plugin.data.loading import BrokenImage
from reacgan_plugin.data.skip_broken import SkipBroken
from reacgan_plugin.progress import shown

SAMPLE = 200  # images that stand for all


class Look(NamedTuple):
    """What one image is: in its file, 'RGB' and (width, height), and after the
    pipeline, (C, H, W); None where that is not known. Or why it does not load."""

    mode: str | None = None
    size: tuple | None = None
    shape: tuple | None = None
    broken: str | None = None


class Survey(NamedTuple):
    """What several images are, each with how often."""

    images: int
    modes: Counter
    sizes: Counter
    shapes: Counter
    broken: list[str]


def survey(dataset: Dataset, *, everything: bool = False, workers: int = 0) -> Survey:
    """Look at all images, or at a sample that is spread evenly.

    Args:
        dataset: items are dict(image=..., label=...); with ``load(index)`` it also
            tells of its files.
        everything: all of them.
        workers: processes that decode.
    """
    if isinstance(dataset, SkipBroken):  # which would hide what is broken
        dataset = dataset.dataset
    count = len(dataset) if everything else min(SAMPLE, len(dataset))
    chosen = np.linspace(0, len(dataset) - 1, count).round().astype(int)
    looks = DataLoader(
        _Looks(dataset, chosen),
        batch_size=None,
        num_workers=workers,
        collate_fn=_as_it_is,
    )
    return _summed(shown(looks, count, size=lambda look: 1))


class _Looks(Dataset):
    def __init__(self, dataset: Dataset, chosen: np.ndarray):
        self.dataset, self.chosen = dataset, chosen

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, place: int) -> Look:
        index = int(self.chosen[place])
        try:
            shape = tuple(self.dataset[index]['image'].shape)
        except BrokenImage as error:
            return Look(broken=error.reason)
        return Look(*_of_file(self.dataset, index), shape=shape)


def _as_it_is(look: Look) -> Look:
    return look


def _of_file(dataset: Dataset, index: int) -> tuple:
    """Mode and (width, height) before the pipeline."""
    if not hasattr(dataset, 'load'):
        return None, None
    found = dataset.load(index)
    image = found.get('img')
    if image is not None:
        if isinstance(image, Image.Image):
            return image.mode, image.size
        height, width = image.shape[:2]
        colours = 'grey' if image.ndim == 2 or image.shape[2] == 1 else 'RGB'
        return f'{colours} array', (width, height)
    content = found.get('img_bytes')
    file = found['img_path'] if content is None else io.BytesIO(content)
    with Image.open(file) as image:
        return image.mode, image.size


def _summed(looks: Iterable[Look]) -> Survey:
    found = Survey(0, Counter(), Counter(), Counter(), [])
    for images, look in enumerate(looks, 1):
        found = found._replace(images=images)
        if look.broken is not None:
            found.broken.append(look.broken)
            continue
        for counter, value in zip(found[1:4], look[:3], strict=True):
            if value is not None:
                counter[value] += 1
    return found
