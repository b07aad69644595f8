"""Which classes fakes are drawn of in training. Letters: N rows, K classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from reacgan_plugin.functional.labels import check_label
from reacgan_plugin.options import one_of

KEY = 'model.fake_labels'
NAMES = ('uniform', 'data')


class FakeLabels:
    """Weights of the classes that labels of fakes are drawn by.

    They stay on the CPU, where labels are drawn, and out of the state dict: a data set
    says them anew in every run.

    Args:
        wanted: ``'uniform'``; ``'data'``, as often as in the training set, of which
            :meth:`count` must be told (not as often as a loader shows them that is
            balanced by class: that is ``'uniform'``); or K weights, which need not sum
            to one.
        num_classes: K.

    Raises: ValueError for another name, and for weights that are not K finite numbers
    of 0 or more, one of them above.
    """

    def __init__(self, wanted: str | Sequence[float], num_classes: int):
        named = isinstance(wanted, str) and one_of(KEY, wanted, NAMES)
        self.num_classes, self.from_data = num_classes, named == 'data'
        self._weights = None if named else _checked(wanted, num_classes)

    @property
    def uniform(self) -> bool:
        """Whether all classes are drawn equally often."""
        return self._weights is None and not self.from_data

    @property
    def weights(self) -> Tensor | None:
        """(K,) float64; None for uniform ones.

        Raises: ValueError where those of the data are wanted and nobody told them.
        """
        if self.from_data and self._weights is None:
            raise ValueError(
                f"{KEY}='data', but nobody told how often a class is there; in a loop "
                'of your own call model.fake_labels.count(dataset.labels) before it'
            )
        return self._weights

    def count(self, labels) -> None:
        """Take the weights from the labels (N,) of the training set, where those are
        wanted.

        Raises: ValueError for a data set without labels, and for labels outside of
        0..K-1.
        """
        if not self.from_data:
            return
        if labels is None:
            raise ValueError(f"{KEY}='data', but the training set has no labels")
        labels = torch.as_tensor(labels)
        check_label(labels, len(labels), self.num_classes)
        self._weights = torch.bincount(labels, minlength=self.num_classes).double()


def fake_labels_for(
    wanted: str | Sequence[float], num_classes: int, adversarial_loss
) -> FakeLabels:
    """As :class:`FakeLabels`; ValueError, too, where the adversarial loss takes the
    labels of reals, so that none are drawn."""
    labels = FakeLabels(wanted, num_classes)
    if adversarial_loss.shares_labels and not labels.uniform:
        raise ValueError(
            f'{KEY}={wanted!r} has no effect: with '
            f'{type(adversarial_loss).__name__} fakes have the labels of reals'
        )
    return labels


def draw_labels(
    shape: Sequence[int],
    num_classes: int,
    weights: Tensor | None,
    generator: torch.Generator,
) -> Tensor:
    """Labels of a shape, int64 on the CPU; uniform over K classes or by K weights."""
    if weights is None:
        return torch.randint(num_classes, shape, generator=generator)
    count = torch.Size(shape).numel()
    drawn = torch.multinomial(weights, count, replacement=True, generator=generator)
    return drawn.view(shape)


def _checked(weights: Sequence[float], num_classes: int) -> Tensor:
    try:
        found = torch.tensor(list(weights), dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        found = torch.tensor([])
    allowed = found.shape == (num_classes,) and found.isfinite().all()
    if allowed and (found >= 0).all() and found.sum() > 0:
        return found
    raise ValueError(
        f'{KEY}={weights!r}; allowed: {", ".join(map(repr, NAMES))}, or a list of '
        f'{num_classes} weights of 0 or more, not all 0'
    )
