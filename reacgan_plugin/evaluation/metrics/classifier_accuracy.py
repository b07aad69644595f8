"""Classification accuracy score (Ravuri and Vinyals 2019)."""

from __future__ import annotations

from reacgan_plugin.evaluation.linear_probe import LinearProbe
from reacgan_plugin.evaluation.metrics.metric import Metric, at_least, few
from reacgan_plugin.evaluation.rows import Rows


class ClassifierAccuracy(Metric):
    """Top-1 accuracy on reals of a classifier that has learned from fakes and their
    labels: it falls where classes are mixed up and where variety is missing.

    The classifier is linear, on the extractor's features; published scores train a
    network on pixels.
    """

    better = {'CAS': 'greater'}

    def compute(self, real: Rows, fake: Rows) -> dict[str, float]:
        at_least(2, 'the classifier accuracy score', fake)
        labels = [rows.wanted('labels') for rows in (fake, real)]
        few('the classifier accuracy score', real, fake)
        probe = LinearProbe(fake.features, labels[0])
        return {'CAS': probe.accuracy(real.wanted('features'), labels[1])}
