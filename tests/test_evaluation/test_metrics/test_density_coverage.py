import numpy as np
import pytest
import torch
from evaluation_parts import random_rows
from prdc import compute_prdc

from reacgan_plugin.evaluation.metrics import DensityCoverage, density_coverage
from reacgan_plugin.evaluation.metrics.density_coverage import density_and_coverage


@pytest.mark.parametrize('counts, neighbours', [
    ((80, 60), 5), ((60, 80), 3), ((7, 20), 5), ((50, 7), 5),
])  # fmt: skip
@pytest.mark.parametrize('block', [1000, 7])
def test_both_equal_the_published_package(counts, neighbours, block, capsys):
    real = random_rows(counts[0], seed=0).features
    fake = random_rows(counts[1], seed=1).features * 0.8
    expected = compute_prdc(real.numpy(), fake.numpy(), neighbours)
    found = density_and_coverage(real, fake, neighbours=neighbours, block=block)
    assert found == pytest.approx((expected['density'], expected['coverage']))


def test_no_more_is_held_than_a_block_by_all_reals(monkeypatch):
    """R42: of 50,000 images, 400 MB in place of 20 GB."""
    original, held = density_coverage._squared_distances, []

    def recorded(a, b):
        held.append((len(a), len(b)))
        return original(a, b)

    monkeypatch.setattr(density_coverage, '_squared_distances', recorded)
    real, fake = random_rows(60).features, random_rows(80).features
    density_and_coverage(real, fake, neighbours=5, block=7)
    assert max(rows for rows, _ in held) == 7 and {n for _, n in held} == {60}


def test_the_double_loop_agrees():
    real, fake = random_rows(20, seed=0).features, random_rows(15, seed=1).features
    inside = []
    for row in real:
        radius = sorted((row - other).norm() for other in real)[3]
        inside.append([bool((row - other).norm() < radius) for other in fake])
    found = DensityCoverage(3).compute(random_rows(20, seed=0), random_rows(15, seed=1))
    assert found['density'] == pytest.approx(np.sum(inside) / (3 * 15))
    assert found['coverage'] == pytest.approx(np.mean([any(row) for row in inside]))


def test_reals_themselves_are_covered_and_far_fakes_cover_nothing():
    rows = random_rows(40)
    assert DensityCoverage().compute(rows, rows)['coverage'] == 1
    far = random_rows(40)
    far.features = far.features + 1000
    assert DensityCoverage().compute(rows, far) == dict(density=0, coverage=0)


def test_large_features_lose_nothing():
    """Products of single precision would."""
    shift = torch.tensor([3000.0, 0, 0, 0, 0, 0])
    real, fake = random_rows(40, seed=0).features, random_rows(40, seed=1).features
    near = density_and_coverage(real.double(), fake.double(), neighbours=5)
    far = density_and_coverage(
        real.double() + shift, fake.double() + shift, neighbours=5
    )
    assert near == pytest.approx(far)
