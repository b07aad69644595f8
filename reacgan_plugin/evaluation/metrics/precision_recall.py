"""Improved precision and recall (Kynkaanniemi et al. 2019)."""

from __future__ import annotations

from reacgan_plugin.evaluation.metrics.metric import (
    Metric,
    at_least,
    few,
    on_gpu,
    unlike,
)
from reacgan_plugin.evaluation.rows import Rows
from reacgan_plugin.options import in_range

BLOCK = 2000  # rows at a time, by all of the other set


class PrecisionRecall(Metric):
    """Share of fakes within reach of reals, and of reals within reach of fakes, by
    torch-fidelity's function.

    Args:
        neighbours: k; a row reaches as far as its k-th nearest neighbour.
    """

    better = {'precision': 'greater', 'recall': 'greater', 'f_score': 'greater'}
    depends_on = ('neighbours',)

    def __init__(self, neighbours: int = 3):
        self.neighbours = in_range('neighbours', neighbours, above=0)

    def compute(self, real: Rows, fake: Rows) -> dict[str, float]:
        from torch_fidelity.metric_prc import prc_features_to_metric

        at_least(self.neighbours + 1, 'precision and recall', real, fake)
        few('precision and recall', real, fake)
        unlike('precision and recall', real, fake)
        return prc_features_to_metric(
            on_gpu(fake),
            on_gpu(real),
            prc_neighborhood=self.neighbours,
            prc_batch_size=BLOCK,
            save_cpu_ram=True,
            verbose=False,
        )
