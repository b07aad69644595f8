"""An order of images in which every class comes equally often. Letters: n images."""

from __future__ import annotations

import numpy as np


def balanced_order(labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A random order of n images in which classes take turns.

    It consists of rounds, in each of which every class comes once, at a random place;
    the last round may be cut short. Within a class every image comes equally often, up
    to one: small classes go round, of large ones some images are left out.

    Args:
        labels: (n,) of all images; classes without any are left out.
        random: where the order is drawn from.

    Returns: (n,) indices.
    """
    names, own = np.unique(labels, return_inverse=True)
    rounds = -(-len(own) // len(names))
    shown = np.tile(np.arange(len(names)), (rounds, 1))
    shown = random.permuted(shown, axis=1).ravel()[: len(own)]
    order = np.empty(len(own), dtype=np.int64)
    pairs = zip(of_each(own, len(names)), of_each(shown, len(names)), strict=True)
    for images, places in pairs:
        order[places] = _round_and_round(images, len(places), random)
    return order


def of_each(classes: np.ndarray, count: int) -> list[np.ndarray]:
    """Where each of 0..count-1 stands."""
    ends = np.cumsum(np.bincount(classes, minlength=count))
    return np.split(np.argsort(classes, kind='stable'), ends[:-1])


def _round_and_round(
    images: np.ndarray, count: int, random: np.random.Generator
) -> np.ndarray:
    """So many of the images, each again only after all others."""
    rounds = -(-count // len(images))
    return random.permuted(np.tile(images, (rounds, 1)), axis=1).ravel()[:count]
