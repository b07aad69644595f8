"""Are fakes taken for the class that they were made for?

Letters: K classes.
"""

from __future__ import annotations

import numpy as np

from reacgan_plugin.evaluation.linear_probe import LinearProbe
from reacgan_plugin.evaluation.metrics.metric import Metric, at_least, few, warn
from reacgan_plugin.evaluation.rows import Rows
from reacgan_plugin.options import one_of

SOURCES = ('probe', 'logits')
EVERY = 4  # one real in so many is held out


class LabelAgreement(Metric):
    """Top-1 accuracy of a classifier of reals on fakes.

    Beside it, by a probe, ``label_agreement_real``: its accuracy on the reals of every
    class that it has not learned from.

    Args:
        source: ``'probe'``: a linear one on the extractor's features, which learns from
            three quarters of the reals; ``'logits'``: the extractor itself, whose
            classes must be those of the data set, in their order.
    """

    better = {'label_agreement': 'greater', 'label_agreement_real': None}
    depends_on = ('source',)

    def __init__(self, source: str = 'probe'):
        self.source = one_of('source', source, SOURCES)
        self.uses_logits = source == 'logits'
        if self.uses_logits:
            self.better = {'label_agreement': 'greater'}

    def compute(self, real: Rows, fake: Rows) -> dict[str, float]:
        at_least(1, 'label agreement', fake)
        wanted = fake.wanted('labels')
        few('label agreement', fake)
        if self.source == 'logits':
            return {'label_agreement': _by_logits(real, fake)}
        features, labels = real.wanted('features'), real.wanted('labels')
        out = held_out(labels)
        probe = LinearProbe(features[~out], labels[~out])
        found = {'label_agreement': probe.accuracy(fake.features, wanted)}
        if out.any():
            accuracy = probe.accuracy(features[out], labels[out])
            return {**found, 'label_agreement_real': accuracy}
        warn(f'label agreement: no class has {EVERY} reals, so none is held out')
        return found


def _by_logits(real: Rows, fake: Rows) -> float:
    logits, wanted = fake.wanted('logits').numpy(), fake.wanted('labels')
    known = [rows.labels.max() for rows in (real, fake) if rows.labels is not None]
    if logits.shape[1] != max(known) + 1:
        raise ValueError(
            f"label agreement by 'logits': the extractor knows {logits.shape[1]} "
            f"classes, the data set {max(known) + 1}; allowed: source='probe'"
        )
    return float(np.mean(logits.argmax(1) == wanted))


def held_out(labels: np.ndarray) -> np.ndarray:
    """Every fourth image of each class: bool (n,)."""
    out = np.zeros(len(labels), dtype=bool)
    for name in np.unique(labels):
        out[np.flatnonzero(labels == name)[EVERY - 1 :: EVERY]] = True
    return out
