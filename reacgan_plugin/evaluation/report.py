"""What a probe of real digits says of generated ones, beside what it says of real."""

from __future__ import annotations

import numpy as np

from reacgan_plugin.evaluation.probe import DigitProbe, grey_images
from reacgan_plugin.evaluation.statistics import frechet_distance, within_class_spread

HALVINGS = 10


def probe_report(
    train: tuple, held_out: tuple, samples, sample_labels, *, seed: int = 0
) -> dict[str, float]:
    """Judge samples by a probe trained on real images.

    Accuracy alone flatters: a generator with one picture a class has a perfect one. The
    spread shows that, and the Frechet distance sees both.

    Args:
        train: (images, labels) that the probe learns from.
        held_out: (images, labels) that neither the probe nor the generator has seen.
        samples: generated images.
        sample_labels: the classes they were generated for.
        seed: of the probe and of the halves.

    Shapes: images uint8 (N, H, W, C), labels (N,).

    Returns:
        accuracy_real, accuracy_samples: shares right, of held-out and of generated.
        spread_share: within-class spread of the samples over that of the held-out, both
            in the pixels of the 16 x 16 grey images; 1 is as varied as reality.
        frechet_samples: samples against held-out, in the probe's features.
        frechet_real: two disjoint random halves of all real images.
    """
    probe = DigitProbe(*train, seed=seed)
    sample_features = probe.features(samples)
    return dict(
        accuracy_real=probe.accuracy(*held_out),
        accuracy_samples=probe.accuracy(samples, sample_labels),
        spread_share=_pixel_spread(samples, sample_labels) / _pixel_spread(*held_out),
        frechet_samples=frechet_distance(sample_features, probe.features(held_out[0])),
        frechet_real=_distance_between_halves(
            probe.features(np.concatenate([train[0], held_out[0]])), seed
        ),
    )


def format_report(report: dict[str, float]) -> str:
    """The report as lines to print, each number with its real counterpart."""
    return '\n'.join(
        (
            f'probe accuracy       samples {report["accuracy_samples"]:6.3f}   '
            f'real {report["accuracy_real"]:6.3f} (held-out)',
            f'within-class spread  samples {report["spread_share"]:6.3f}   '
            'real  1.000 (held-out, 16 x 16 grey pixels)',
            f'Frechet distance     samples {report["frechet_samples"]:6.3f}   '
            f'real {report["frechet_real"]:6.3f} (half against half, probe features)',
        )
    )


def _pixel_spread(images, labels) -> float:
    return within_class_spread(grey_images(images), labels)


def _distance_between_halves(features: np.ndarray, seed: int) -> float:
    """Mean over random halvings: a single one scores anything from half to double."""
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(features)) for _ in range(HALVINGS)]
    halves = [np.array_split(features[order], 2) for order in orders]
    return float(np.mean([frechet_distance(*pair) for pair in halves]))
