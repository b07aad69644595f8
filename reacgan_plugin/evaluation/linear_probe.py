"""A linear classifier of features."""

from __future__ import annotations

import warnings

import numpy as np
from torch import Tensor

ROUNDS = 300


class LinearProbe:
    """Logistic regression on standardised features, scikit-learn's.

    Args:
        features: (n, D) to learn from.
        labels: (n,) classes.

    Raises: ValueError for images of a single class.
    """

    def __init__(self, features: Tensor, labels: np.ndarray):
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        if len(np.unique(labels)) < 2:
            raise ValueError(
                'a classifier takes images of two classes or more to learn from'
            )
        self.model = make_pipeline(
            StandardScaler(), LogisticRegression(max_iter=ROUNDS)
        )
        with warnings.catch_warnings():  # further rounds move nothing that counts
            warnings.simplefilter('ignore', ConvergenceWarning)
            self.model.fit(features.numpy(), labels)

    def accuracy(self, features: Tensor, labels: np.ndarray) -> float:
        """Share of images that are taken for their class."""
        return float(np.mean(self.model.predict(features.numpy()) == labels))
