import numpy as np
import pytest
from evaluation_parts import random_rows

from reacgan_plugin.evaluation.rows import (
    Moments,
    Rows,
    evenly_spaced,
    gaussian_of_sums,
)


def test_sums_give_the_gaussian_of_all_rows():
    rows = random_rows(100).features
    moments = Moments()
    for part in rows.split(7):
        moments.add(part)
    found = gaussian_of_sums(moments.sums, 100)
    assert np.allclose(found.mean, rows.double().mean(0), rtol=1e-12)
    assert np.allclose(found.covariance, np.cov(rows.double().numpy().T), rtol=1e-9)


def test_a_gaussian_that_is_known_is_not_fitted_again():
    rows = random_rows(20)
    rows.gaussian = random_rows(30, seed=1).fitted()
    assert rows.fitted() is rows.gaussian


def test_what_is_not_known_is_named():
    with pytest.raises(ValueError, match='stats.npz has no labels'):
        Rows('stats.npz', None).wanted('labels')
    with pytest.raises(ValueError, match='stats.npz has no features'):
        Rows('stats.npz', None).fitted()


@pytest.mark.parametrize('count, most, kept', [
    (10, None, 10), (10, 20, 10), (10, 4, 4), (1000, 999, 999), (10, 1, 1),
])  # fmt: skip
def test_images_that_are_kept_are_spread_over_all(count, most, kept):
    found = evenly_spaced(count, most)
    assert found.sum() == kept
    assert found[0] and (kept == 1 or found[-1])
    if 1 < kept < count / 2:
        gaps = np.diff(np.flatnonzero(found))
        assert gaps.max() - gaps.min() <= 1
