"""Extractors, images and models small enough for metrics to be checked at once."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from tiny_gan import CLASSES, biggan
from torch import nn

from reacgan_plugin.evaluation.evaluator import ImageEvaluator
from reacgan_plugin.evaluation.extractor import Extracted, Extractor
from reacgan_plugin.evaluation.features import View, extract
from reacgan_plugin.evaluation.generators import GeneratedImages, Sampling
from reacgan_plugin.evaluation.metrics import FID, KID, InceptionScore
from reacgan_plugin.evaluation.ranks import Ranks
from reacgan_plugin.evaluation.rows import Rows

SIDE = 8


class Quadrants(Extractor):
    """Mean colours of four quadrants as features, of the whole image as logits."""

    def __init__(self, size: int | None = None):
        super().__init__(f'quadrants at {size}', size=size)

    def forward(self, image):
        means = nn.functional.adaptive_avg_pool2d(image / 255, 2).flatten(1)
        return Extracted(means, image.mean((2, 3)) / 32)


class GivenImages:
    """Images in memory, uint8 (n, 3, H, W), as a source of metrics."""

    def __init__(self, images, labels=None, name='given'):
        self.images, self.labels, self.name = images, labels, name

    def __len__(self):
        return len(self.images)

    def batches(self, parts):
        for part in parts:
            yield self.images[part]


class GivenReference:
    """Rows that are known already."""

    name = 'given reals'

    def __init__(self, rows):
        self.given = rows

    def rows(self, view, ranks):
        return self.given if ranks.is_first else None


def random_images(count: int, seed: int = 0, side: int = SIDE) -> torch.Tensor:
    """uint8 images (n, 3, S, S), each with a brightness of its own."""
    random = torch.Generator().manual_seed(seed)
    shade = torch.rand(count, 3, 1, 1, generator=random)
    noise = torch.rand(count, 3, side, side, generator=random)
    return (255 * (0.7 * shade + 0.3 * noise)).to(torch.uint8)


def random_rows(count: int, seed: int = 0, width: int = 6, classes: int = 3) -> Rows:
    """Rows as of an extractor, with labels and logits."""
    random = torch.Generator().manual_seed(seed)
    labels = np.arange(count) % classes
    features = torch.randn(count, width, generator=random)
    features[:, 0] += 3 * torch.from_numpy(labels)
    logits = torch.randn(count, classes, generator=random)
    return Rows('rows', count, features=features, logits=logits, labels=labels)


def write_images(folder, images, *, classes: int = 0) -> str:
    """PNGs in a folder, in class folders where there are classes."""
    for i, image in enumerate(images):
        home = folder / f'class_{i % classes}' if classes else folder
        home.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(home / f'{i:04}.png')
    return str(folder)


def averaged_gan():
    """A model whose average is not its generator, statistics and all."""
    model = biggan(ema=dict(decay=0.5))
    model.train()
    with torch.no_grad():
        for parameter in model.generator_ema.parameters():
            parameter.mul_(1.5)
        for name, buffer in model.generator_ema.named_buffers():
            if name.endswith('running_mean'):
                buffer.normal_()
    return model


def samples(
    model, count: int = 12, *, batch_size: int = 50, **sampling
) -> GeneratedImages:
    return GeneratedImages(model, count, Sampling(**sampling), batch_size=batch_size)


def evaluator(metrics=None, *, reals: int = 60, **options) -> ImageEvaluator:
    """Of the quadrants of random images."""
    images = random_images(reals, seed=1)
    given = GivenImages(images, np.arange(reals) % CLASSES)
    rows = extract(given, View(Quadrants(), batch_size=16), Ranks())
    metrics = metrics or [FID(), InceptionScore(), KID(subset_size=20, subsets=5)]
    return ImageEvaluator(metrics, GivenReference(rows), View(Quadrants(), **options))
