"""Frechet inception distance (Heusel et al. 2017)."""

from __future__ import annotations

from reacgan_plugin.evaluation.metrics.metric import Metric, at_least, warn
from reacgan_plugin.evaluation.rows import Rows
from reacgan_plugin.evaluation.statistics import gaussian_distance


class FID(Metric):
    """Distance of the Gaussians fitted to features of reals and fakes.

    It grows as the sets shrink: published ones take 50,000 fakes, or as many as there
    are reals.
    """

    better = {'FID': 'less'}

    def compute(self, real: Rows, fake: Rows) -> dict[str, float]:
        if real.gaussian is None:
            at_least(2, 'FID', real)
        at_least(2, 'FID', fake)
        a, b = real.fitted(), fake.fitted()
        width = len(b.mean)
        for rows in (real, fake):
            if rows.count is not None and rows.count <= width:
                warn(
                    f'FID: {rows.count} images ({rows.name}) do not determine a '
                    f'covariance of {width} features; the distance comes out too large'
                )
        return {'FID': gaussian_distance(a, b)}
