"""A small data set decoded once, whose batches are looked up on the device."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
from mmengine.device import get_device
from torch import Tensor

from reacgan_plugin.data.dataset import SeededDataset
from reacgan_plugin.data.sampler import GlobalBatchSampler
from reacgan_plugin.options import in_range, one_of

OPTIONS = ('flip', 'limit_gb')
KEY = 'train_dataloader.resident'


class ResidentLoader:
    """The batches of the ordinary loader, in its order, without its work.

    Args:
        dataset: its images are decoded here, once.
        sampler: of the training stream.
        batch_size: B.
        flip: probability that an image is mirrored, None for none; which ones depends
            on (seed, position) alone, not on processes or where a run was resumed.
        limit_gb: how much the images may take on the device.

    Batches are dict(image=(B, C, H, W) uint8, label=(B,) int64) on the device.
    Raises: ValueError for a data set that is larger, images of several sizes, and a
    pipeline that draws random numbers, since it would draw once and for all.
    """

    def __init__(
        self,
        dataset: SeededDataset,
        sampler: GlobalBatchSampler,
        batch_size: int,
        *,
        flip: float | None = None,
        limit_gb: float = 4.0,
    ):
        self.dataset, self.sampler, self.batch_size = dataset, sampler, batch_size
        self.flip = in_range(f'{KEY}.flip', flip, above=0, up_to=1) if flip else None
        self.device = torch.device(get_device())
        everything = _decoded(dataset.dataset, limit_gb)
        self.image, self.label = (tensor.to(self.device) for tensor in everything)

    def __len__(self) -> int:
        return len(self.sampler) // self.batch_size

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        stream = iter(self.sampler)
        while True:
            yield self._batch(*np.array(list(islice(stream, self.batch_size))).T)

    def _batch(self, index: np.ndarray, position: np.ndarray) -> dict[str, Tensor]:
        rows = self._upload(index)
        image = self.image[rows]
        if self.flip:
            drawn = uniform(self.dataset.seed, position, len(self.dataset))
            mirrored = self._upload(drawn < self.flip)[:, None, None, None]
            image = torch.where(mirrored, image.flip(3), image)
        return dict(image=image, label=self.label[rows])

    def _upload(self, values: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(values.copy())
        if self.device.type == 'cuda':  # from other memory the copy would wait
            tensor = tensor.pin_memory()
        return tensor.to(self.device, non_blocking=True)


def resident_options(resident: bool | dict) -> dict:
    """Options of a config's ``resident``; ValueError for one that is not known."""
    options = {} if resident is True else dict(resident)
    for key in options:
        one_of(f'{KEY} option', key, OPTIONS)
    return options


def uniform(seed: int, position: np.ndarray, size: int) -> np.ndarray:
    """A number in [0, 1) for each position, drawn as the sampler draws an epoch."""
    epoch, place = np.divmod(position, size)
    drawn = {e: np.random.default_rng((seed, e, 1)).random(size) for e in {*epoch}}
    return np.array([drawn[e][p] for e, p in zip(epoch, place, strict=True)])


def _decoded(dataset, limit_gb: float) -> tuple[Tensor, Tensor]:
    """All images (n, C, H, W) and labels (n,)."""
    drawn_before, first = _generators(), dataset[0]['image']
    size = len(dataset) * first.nbytes / 1e9
    if size > limit_gb:
        raise ValueError(
            f'{KEY}: {len(dataset):,} images of {tuple(first.shape)} take {size:.1f} '
            f'GB; allowed: {KEY}.limit_gb={limit_gb:g}'
        )
    images = first.new_empty(len(dataset), *first.shape)
    labels = torch.empty(len(dataset), dtype=torch.int64)
    for index in range(len(dataset)):
        item = dataset[index]
        if item['image'].shape != first.shape:
            shapes = f'{tuple(item["image"].shape)}, the first {tuple(first.shape)}'
            raise ValueError(f'{KEY}: image {index} is {shapes}; allowed: one size')
        images[index], labels[index] = item['image'], item['label']
    if _generators() != drawn_before:
        raise ValueError(
            f'{KEY}: the pipeline draws random numbers, which would be drawn only '
            f'once; instead of RandomFlip set {KEY}.flip'
        )
    return images, labels


def _generators() -> tuple:
    """Where the random numbers of Python, numpy and torch stand."""
    _, keys, *rest = np.random.get_state()
    return random.getstate(), keys.tobytes(), rest, torch.get_rng_state().tolist()
