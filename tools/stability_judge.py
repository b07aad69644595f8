"""How good a generator of digits is, by a probe that is trained once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from reacgan_plugin.evaluation.probe import DigitProbe, grey_images
from reacgan_plugin.evaluation.reals import images_and_labels
from reacgan_plugin.evaluation.sampling import as_arrays, draw_z, generate
from reacgan_plugin.evaluation.statistics import frechet_distance, within_class_spread

IMAGES = 900  # that are judged, about as many as are held out


class Judge:
    """Probe accuracy, spread and Frechet distance of samples of every class.

    Args:
        train: config of the images that the probe learns from.
        held_out: config of those that neither it nor a generator has seen.

    It goes to other processes as it is, trained. ``real`` has the numbers of as many
    training images in place of samples.
    """

    def __init__(self, train: Mapping, held_out: Mapping):
        images, labels = images_and_labels(train)
        self.probe = DigitProbe(images, labels)
        unseen, unseen_labels = images_and_labels(held_out)
        self.features = self.probe.features(unseen)
        self.spread = within_class_spread(grey_images(unseen), unseen_labels)
        rows = np.random.default_rng(0).permutation(len(images))[:IMAGES]
        self.real = self._numbers(images[rows], labels[rows])
        self.real['accuracy'] = self.probe.accuracy(unseen, unseen_labels)

    def judge(self, model: nn.Module) -> dict[str, float]:
        """Of the averaged generator, with the same z every time."""
        per_class = -(-IMAGES // model.num_classes)
        label = torch.arange(model.num_classes).repeat_interleave(per_class)
        z = draw_z(len(label), model.generator.z_dim, seed=0)
        images = as_arrays(generate(model, label, z=z))
        return self._numbers(images, label.numpy())

    def _numbers(self, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        features = self.probe.features(images)
        spread = within_class_spread(grey_images(images), labels)
        return dict(
            accuracy=self.probe.accuracy(images, labels),
            spread=spread / self.spread,
            frechet=frechet_distance(features, self.features),
        )
