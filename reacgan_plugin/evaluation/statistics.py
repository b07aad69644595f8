"""Two numbers about sets of feature rows: how far apart, and how varied inside a class.

Letters: N rows, D width of a row.
"""

from __future__ import annotations

import numpy as np
import torch


def frechet_distance(features_a, features_b) -> float:
    """Squared Frechet distance of the Gaussians fitted to two sets of rows, in float64.

    ``|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2))`` (Heusel et al. 2017), by
    torch-fidelity's own functions. It grows as the sets shrink, so compare only numbers
    from sets of like size.

    Shapes: (N_a, D), (N_b, D) with N >= 2 and D >= 2 -> a number.
    Raises: ValueError for other shapes.
    """
    # Here, because it brings all of torch-fidelity and torchvision along.
    from torch_fidelity.metric_fid import (
        KEY_METRIC_FID,
        fid_features_to_statistics,
        fid_statistics_to_metric,
    )

    rows_a, rows_b = _rows('features_a', features_a), _rows('features_b', features_b)
    if rows_a.shape[1] != rows_b.shape[1]:
        raise ValueError(
            f'features differ in width: {rows_a.shape[1]} and {rows_b.shape[1]}'
        )
    statistics = [
        fid_features_to_statistics(torch.from_numpy(rows)) for rows in (rows_a, rows_b)
    ]
    distance = fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID]
    return max(distance, 0.0)  # equal sets come out a rounding error below zero


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
