"""Tiny images on disk, and the ways in which they are read back."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from torch.utils.data import DataLoader

from reacgan_plugin.data.loading import LoadImage, PackImage

PIPELINE = [LoadImage(), PackImage()]


def pixels(count: int, side: int = 5, seed: int = 0) -> np.ndarray:
    """Random images, uint8 (n, H, W, 3), higher than wide so that axes cannot swap."""
    shape = (count, side + 1, side, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def png(image: np.ndarray) -> bytes:
    """A file of an image, (H, W[, 3])."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format='PNG')
    return stream.getvalue()


def put(path, image: np.ndarray) -> None:
    """Write a PNG, whatever the path calls it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(image))


def read_back(dataset) -> np.ndarray:
    """All images, (n, H, W, C)."""
    items = [dataset[index]['image'].numpy() for index in range(len(dataset))]
    return np.stack(items).transpose(0, 2, 3, 1)


def read_by_workers(dataset, context: str) -> tuple[np.ndarray, list[int]]:
    """Images (n, H, W, C) and labels, in another order read by two processes, after
    this one has read some."""
    order = np.random.default_rng(1).permutation(len(dataset))
    dataset[0]
    loader = DataLoader(
        dataset,
        batch_size=1,
        sampler=order.tolist(),
        num_workers=2,
        multiprocessing_context=context,
    )
    batches = []
    for batch in loader:
        batches.append(batch)
        dataset[len(batches) % len(dataset)]  # the parent reads on meanwhile
    images = np.concatenate([batch['image'].numpy() for batch in batches])
    labels = np.concatenate([batch['label'].numpy() for batch in batches])
    back = np.argsort(order)
    return images.transpose(0, 2, 3, 1)[back], labels[back].tolist()
