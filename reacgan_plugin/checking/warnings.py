"""What a run should know of its data and batch before the first step, though it may go
on: the log of a training run and ``tools/check.py`` say the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reacgan_plugin.batch import Batch
from reacgan_plugin.gan.negatives import describe_weak_signal
from reacgan_plugin.options import some

FEW = 20  # images of a class


def warnings_of(model, batch: Batch, dataset, *, class_balanced: bool) -> list[str]:
    """One sentence each.

    Args:
        model: a :class:`~reacgan_plugin.gan.model.ConditionalGAN`.
        batch: how the total batch size is shared out.
        dataset: of the training images.
        class_balanced: whether every class is shown equally often.
    """
    labels = getattr(dataset, 'labels', None)
    found = [describe_small_set(len(dataset), batch.total)]
    shares = np.full(model.num_classes, 1 / model.num_classes)
    if labels is not None:
        counts = np.bincount(labels, minlength=model.num_classes)
        found.append(describe_small_classes(counts, getattr(dataset, 'classes', None)))
        shown = counts > 0 if class_balanced else counts
        shares = shown / shown.sum()
    exact = model.accumulation_mode == 'exact'
    found += describe_weak_signal(model.loss, batch, exact, shares)
    return [sentence for sentence in found if sentence]


def describe_small_classes(counts: np.ndarray, names: Sequence[str] | None) -> str:
    """Classes with few of the images, counts (K,); '' where there are none."""
    few = np.flatnonzero(counts < FEW)
    if not len(few):
        return ''
    by_count = few[np.argsort(counts[few], kind='stable')]
    names = names or range(len(counts))
    listed = some(f'{names[label]} ({counts[label]})' for label in by_count)
    return (
        f'{len(few)} of {len(counts)} classes have fewer than {FEW} images, which a '
        f'GAN rather repeats than learns from: {listed}'
    )


def describe_small_set(images: int, batch: int) -> str:
    """'' where a batch fits into the data set."""
    if images >= batch:
        return ''
    return (
        f'the data set has {images} images, fewer than total_batch_size={batch}: '
        'every batch shows some of them more than once'
    )
