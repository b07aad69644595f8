"""Inception score (Salimans et al. 2016, section 4)."""

from __future__ import annotations

from reacgan_plugin.evaluation.metrics.metric import Metric, at_least, warn
from reacgan_plugin.evaluation.rows import Rows
from reacgan_plugin.options import in_range


class InceptionScore(Metric):
    """exp of the mean divergence of the extractor's class probabilities of a fake from
    their mean; its mean and deviation over splits, by torch-fidelity's function.

    Args:
        splits: parts that are scored each on its own.
    """

    better = {'IS': 'greater', 'IS_std': None}
    uses_logits = True
    depends_on = ('splits',)

    def __init__(self, splits: int = 10):
        self.splits = in_range('splits', splits, above=0)

    def compute(self, real: Rows, fake: Rows) -> dict[str, float]:
        from torch_fidelity.metric_isc import (
            KEY_METRIC_ISC_MEAN,
            KEY_METRIC_ISC_STD,
            isc_features_to_metric,
        )

        at_least(2, 'IS', fake)
        logits = fake.wanted('logits')
        splits = min(self.splits, len(logits) // 2)
        of_split = len(logits) // splits
        if of_split < logits.shape[1]:
            warn(
                f'IS: {splits} splits of {of_split} images, which cannot score more '
                f'than {of_split}, for {logits.shape[1]} classes'
            )
        found = isc_features_to_metric(logits, splits=splits)
        return {'IS': found[KEY_METRIC_ISC_MEAN], 'IS_std': found[KEY_METRIC_ISC_STD]}
