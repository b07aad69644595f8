"""The demo's probe as a feature extractor.

Letters: N images, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import Dataset

from reacgan_plugin.evaluation.extractor import Extracted, Extractor
from reacgan_plugin.evaluation.fingerprint import fingerprint
from reacgan_plugin.evaluation.probe import DigitProbe
from reacgan_plugin.evaluation.reals import dataset_name, images_and_labels
from reacgan_plugin.options import some, whole
from reacgan_plugin.registry import DATASETS, build


class ProbeExtractor(Extractor):
    """A small classifier of the data set's own classes (D = 32, L = K), for images on
    which a network of ImageNet has little to say.

    Args:
        train: data set that it learns from, or its config.
        seed: of its weights.

    It takes seconds to train on a few thousand images, on the CPU.
    Raises: ValueError where a class has no image, and without classes.
    """

    def __init__(self, train: Dataset | dict, *, seed: int = 0):
        whole('seed', seed, above=-1)
        dataset = build(DATASETS, train)
        mark = fingerprint(dataset)[:8]
        name = f'probe of {dataset_name(train)} ({mark}, seed {seed})'
        super().__init__(name, size=None)
        if getattr(dataset, 'labels', None) is None:
            raise ValueError(f'{dataset_name(train)} has no classes to learn')
        images, labels = images_and_labels(dataset)
        found = sorted({*labels.tolist()})
        if found != list(range(dataset.num_classes)):
            raise ValueError(
                f'{dataset_name(train)} has images of classes {some(map(str, found))} '
                f'alone; allowed: of each of its {dataset.num_classes}'
            )
        self.probe = DigitProbe(images, labels, seed=seed)
        self.settled()

    def forward(self, image: Tensor) -> Extracted:
        rows = image.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        features = self.probe.features(rows)
        logits = self.probe.logits(features)
        return Extracted(*(torch.from_numpy(x).float() for x in (features, logits)))
