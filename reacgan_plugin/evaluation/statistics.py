"""Numbers about sets of feature rows: how far apart, and how varied inside a class.

Letters: N rows, D width of a row.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch


class Gaussian(NamedTuple):
    """Mean (D,) and covariance (D, D), float64."""

    mean: np.ndarray
    covariance: np.ndarray


def gaussian_of(features, name: str = 'features') -> Gaussian:
    """The Gaussian fitted to rows (N, D), in float64, by torch-fidelity's function.

    Raises: ValueError unless N >= 2 and D >= 2.
    """
    # Here, because it brings all of torch-fidelity and torchvision along.
    from torch_fidelity.metric_fid import fid_features_to_statistics

    rows = torch.from_numpy(_rows(name, features))
    found = fid_features_to_statistics(rows)
    return Gaussian(found['mu'], found['sigma'])


def gaussian_distance(a: Gaussian, b: Gaussian) -> float:
    """Squared Frechet distance of two Gaussians, by torch-fidelity's function.

    ``|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2))`` (Heusel et al. 2017).
    Raises: ValueError for different widths.
    """
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_statistics_to_metric

    if a.mean.shape != b.mean.shape:
        raise ValueError(f'features differ in width: {len(a.mean)} and {len(b.mean)}')
    pair = [dict(mu=one.mean, sigma=one.covariance) for one in (a, b)]
    distance = fid_statistics_to_metric(*pair, verbose=False)[KEY_METRIC_FID]
    return max(distance, 0.0)  # equal sets come out a rounding error below zero


def frechet_distance(features_a, features_b) -> float:
    """Squared Frechet distance of the Gaussians fitted to two sets of rows, in float64.

    It grows as the sets shrink, so compare only numbers from sets of like size. Of
    fewer rows than columns, the trace of the root is the sum of the singular values of
    the product of the centred rows, which are few; otherwise torch-fidelity's functions
    give it.

    Shapes: (N_a, D), (N_b, D) with N >= 2 and D >= 2 -> a number.
    Raises: ValueError for other shapes.
    """
    a, b = _rows('features_a', features_a), _rows('features_b', features_b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f'features differ in width: {a.shape[1]} and {b.shape[1]}')
    if max(len(a), len(b)) >= a.shape[1]:
        return gaussian_distance(gaussian_of(a), gaussian_of(b))
    means = [rows.mean(axis=0) for rows in (a, b)]
    centred = [
        (rows - mean) / np.sqrt(len(rows) - 1)
        for rows, mean in zip((a, b), means, strict=True)
    ]
    root = np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum()
    traces = sum(np.square(rows).sum() for rows in centred)
    return max(float(np.square(means[0] - means[1]).sum() + traces - 2 * root), 0.0)


def within_class_spread(features, labels) -> float:
    """Mean over classes of the root mean squared distance to the class's mean.

    Classes with fewer than two rows say nothing of spread and are left out.

    Shapes: (N, ...), flattened to rows; labels (N,) -> a number, 0 for copies.
    Raises: ValueError when no class has two rows, or when the lengths differ.
    """
    rows = np.asarray(features, dtype=np.float64)
    labels = np.asarray(labels)
    if labels.shape != (len(rows),):
        raise ValueError(f'{len(rows)} features, but labels of shape {labels.shape}')
    rows = rows.reshape(len(rows), -1)
    names, counts = np.unique(labels, return_counts=True)
    spreads = [_spread(rows[labels == name]) for name in names[counts > 1]]
    if not spreads:
        raise ValueError('no class has two samples, so there is no spread to measure')
    return float(np.mean(spreads))


def _spread(rows: np.ndarray) -> float:
    squared_distances = np.square(rows - rows.mean(axis=0)).sum(axis=1)
    return np.sqrt(squared_distances.mean())


def _rows(name: str, features) -> np.ndarray:
    rows = np.ascontiguousarray(features, dtype=np.float64)
    if rows.ndim != 2 or min(rows.shape) < 2:
        raise ValueError(
            f'{name} has shape {rows.shape}; it must be (N, D) with both at least 2'
        )
    return rows
