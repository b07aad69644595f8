"""Kernel inception distance (Binkowski et al. 2018)."""

from __future__ import annotations

from reacgan_plugin.evaluation.metrics.metric import Metric, at_least, warn
from reacgan_plugin.evaluation.rows import Rows
from reacgan_plugin.options import in_range


class KID(Metric):
    """Squared maximum mean discrepancy by a cubic kernel, unbiased, so that it does not
    depend on the number of images: mean and deviation over random subsets, by
    torch-fidelity's function.

    Args:
        subsets: their number.
        subset_size: images of each; where there are fewer, all of them.
    """

    better = {'KID': 'less', 'KID_std': None}
    depends_on = ('subsets', 'subset_size')

    def __init__(self, *, subsets: int = 100, subset_size: int = 1000):
        self.subsets = in_range('subsets', subsets, above=0)
        self.subset_size = in_range('subset_size', subset_size, above=1)

    def compute(self, real: Rows, fake: Rows) -> dict[str, float]:
        from torch_fidelity.metric_kid import (
            KEY_METRIC_KID_MEAN,
            KEY_METRIC_KID_STD,
            kid_features_to_metric,
        )

        at_least(2, 'KID', real, fake)
        rows = [fake.features.double(), real.features.double()]
        size = min(self.subset_size, *map(len, rows))
        if size < self.subset_size:
            warn(f'KID: subsets of {size} images in place of {self.subset_size}')
        found = kid_features_to_metric(
            *rows, kid_subsets=self.subsets, kid_subset_size=size, verbose=False
        )
        return {'KID': found[KEY_METRIC_KID_MEAN], 'KID_std': found[KEY_METRIC_KID_STD]}
