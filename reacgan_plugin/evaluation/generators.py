"""A generator as metrics see it: a copy, so that the one in training stays as it is.

Letters: N images, Z width of z.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from reacgan_plugin.evaluation.quantise import as_rgb_bytes
from reacgan_plugin.evaluation.repeatable import repeatable
from reacgan_plugin.evaluation.sampling import draw_z, rows_of_z, truncation_of
from reacgan_plugin.options import in_range, one_of, whole

BATCH_NORMS = ('ema', 'standing', 'batch')


class Sampling(NamedTuple):
    """How images are drawn of a model.

    Args:
        average: the averaged generator, if the model has one; False: the raw one.
        batch_norm: statistics of its batch norms. ``'ema'``: the running ones, in the
            averaged generator averaged, too; ``'standing'``: estimated anew from
            batches of random sizes and classes (Brock et al. 2019, "BigGAN", section
            4); ``'batch'``: of each batch, so that images depend on the batch size.
            Batches are then of classes in random order, and the last is filled up.
        std_max: largest batch of standing statistics.
        std_step: their number of batches.
        truncation: as of :func:`~reacgan_plugin.evaluation.sampling.draw_images`.
        seed: of z.
    """

    average: bool = True
    batch_norm: str = 'ema'
    std_max: int = 128
    std_step: int = 128
    truncation: float | None = None
    seed: int = 0


def sampling_settings(settings: Mapping | None, owner: str = 'sampling') -> Sampling:
    """Settings of a config; ValueError for a key or a value that is not allowed."""
    for key in settings or ():
        one_of(f'{owner} key', key, Sampling._fields)
    found = Sampling(**(settings or {}))
    one_of(f'{owner}.batch_norm', found.batch_norm, BATCH_NORMS)
    for key in ('std_max', 'std_step', 'truncation'):
        if (value := getattr(found, key)) is not None:
            in_range(f'{owner}.{key}', value, above=0)
    return found


class GeneratedImages:
    """Images of a model, every class equally often up to the remainder.

    Image i is of class i modulo K, and its z depends on the seed and i alone, whoever
    draws it. Under statistics of the batch the classes come in a random order, by the
    seed, and what an image is depends on its batch.

    Args:
        model: a :class:`~reacgan_plugin.gan.model.ConditionalGAN`.
        count: n, how many.
        sampling: how.
        batch_size: images at a time, to which a last batch is filled up under
            statistics of the batch; it is that of the view.

    ``labels`` is None where the generator takes no class.
    """

    name = 'samples'

    def __init__(
        self, model: nn.Module, count: int, sampling: Sampling, *, batch_size: int = 50
    ):
        whole('num_images', count, above=0)
        whole('batch_size', batch_size, above=0)
        self.sampling, self.batch_size = sampling, batch_size
        self.network = sampling_network(model, sampling)
        has_norms = bool(_batch_norms(self.network))
        self.batch_norm = sampling.batch_norm if has_norms else 'none'
        classes = np.arange(count) % model.num_classes
        if self.batch_norm == 'batch':
            classes = np.random.default_rng(sampling.seed).permutation(classes)
        self.classes = classes
        self.labels = classes if takes_classes(model.generator) else None
        self.options, limit = truncation_of(model.generator, sampling.truncation)
        z_dim = model.generator.z_dim
        self.z = rows_of_z(count, z_dim, sampling.seed, truncation=limit)
        averaged = sampling.average and model.generator_ema is not None
        self.weights = 'EMA' if averaged else 'raw'

    def __len__(self) -> int:
        return len(self.classes)

    @torch.no_grad()
    def batches(self, parts: Sequence[np.ndarray]) -> Iterator[Tensor]:
        """uint8 (N, 3, H, W) for each part, a list of indices.

        Raises: ValueError for images that are not finite.
        """
        device = next(self.network.parameters()).device
        for part in parts:
            rows = self._filled(part)
            label = torch.from_numpy(self.classes[rows]).to(device)
            image = self.network(self.z[rows].to(device), label, **self.options)
            if not image.isfinite().all():
                raise ValueError('the generator gives NaN or infinite pixels')
            yield as_rgb_bytes(image[: len(part)])

    def _filled(self, part: np.ndarray) -> np.ndarray:
        """A short batch, to whose statistics the first images are added."""
        missing = self.batch_size - len(part)
        if self.batch_norm != 'batch' or missing <= 0:
            return part
        return np.concatenate([part, np.arange(missing) % len(self)])


def takes_classes(generator: nn.Module) -> bool:
    """Whether a label changes what a generator draws."""
    return getattr(generator, 'num_classes', True) is not None


def sampling_network(model: nn.Module, sampling: Sampling) -> nn.Module:
    """A copy of the model's generator in evaluation mode, batch norms as wanted."""
    averaged = model.generator_ema if sampling.average else None
    network = deepcopy(model.generator if averaged is None else averaged)
    network = _of_one_process(network).eval().requires_grad_(False)
    norms = _batch_norms(network)
    if sampling.batch_norm == 'standing' and norms:
        _take_standing_statistics(network, norms, model.num_classes, sampling)
    if sampling.batch_norm == 'batch':
        for norm in norms:
            norm.train()
    return network


def _batch_norms(network: nn.Module) -> list[nn.Module]:
    return [part for part in network.modules() if isinstance(part, _BatchNorm)]


def _of_one_process(network: nn.Module) -> nn.Module:
    """Synchronised batch norms would wait for ranks that draw fewer batches."""
    if not any(isinstance(part, nn.SyncBatchNorm) for part in network.modules()):
        return network
    from mmengine.model import revert_sync_batchnorm

    return revert_sync_batchnorm(network)


@torch.no_grad()
def _take_standing_statistics(
    network: nn.Module, norms: list[nn.Module], num_classes: int, sampling: Sampling
) -> None:
    """The mean over batches of their statistics; the same on every rank."""
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean
        norm.train()
    device = next(network.parameters()).device
    options, limit = truncation_of(network, sampling.truncation)
    random = torch.Generator().manual_seed(sampling.seed)
    for _ in range(sampling.std_step):
        count = int(torch.randint(1, sampling.std_max + 1, (), generator=random))
        label = torch.randint(num_classes, (count,), generator=random)
        seed = int(torch.randint(2**62, (), generator=random))
        z = draw_z(count, network.z_dim, seed, truncation=limit)
        with repeatable():
            network(z.to(device), label.to(device), **options)
    for norm in norms:
        norm.eval()
