"""Feature maps to features."""

from __future__ import annotations

from torch import Tensor

POOLS = ('sum', 'mean')


def pooled(features: Tensor, pool: str) -> Tensor:
    """(N, C) of features (N, C), which pass, or (N, C, positions...)."""
    if features.ndim == 2:
        return features
    positions = features.flatten(2)
    return positions.sum(2) if pool == 'sum' else positions.mean(2)
