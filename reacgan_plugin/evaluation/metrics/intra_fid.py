"""FID within classes (Miyato and Koyama 2018, section 4.1)."""

from __future__ import annotations

import numpy as np

from reacgan_plugin.evaluation.metrics.metric import Metric, at_least, warn
from reacgan_plugin.evaluation.rows import Rows
from reacgan_plugin.evaluation.statistics import frechet_distance


class IntraFID(Metric):
    """Mean over classes of the FID between their reals and their fakes."""

    better = {'intra_FID': 'less'}

    def compute(self, real: Rows, fake: Rows) -> dict[str, float]:
        at_least(2, 'intra-FID', real, fake)
        sets = [(rows.features, rows.wanted('labels')) for rows in (real, fake)]
        classes = np.union1d(*(labels for _, labels in sets)).tolist()
        of_class = {
            name: [features[labels == name] for features, labels in sets]
            for name in classes
        }
        told = {n: pair for n, pair in of_class.items() if min(map(len, pair)) > 1}
        if not told:
            raise ValueError('intra-FID takes two reals and two fakes of some class')
        fewest = min(len(rows) for pair in told.values() for rows in pair)
        width = real.features.shape[1]
        if len(told) < len(classes) or fewest <= width:
            warn(
                f'intra-FID: of {len(told)} of {len(classes)} classes, the smallest '
                f'with {fewest} images, in {width} features'
            )
        distances = [frechet_distance(*pair) for pair in told.values()]
        return {'intra_FID': float(np.mean(distances))}
