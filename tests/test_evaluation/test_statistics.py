import numpy as np
import pytest
from scipy.linalg import sqrtm

from reacgan_plugin.evaluation.statistics import (
    frechet_distance,
    gaussian_distance,
    gaussian_of,
    within_class_spread,
)


def rows(count=200, width=5, seed=0, scale=1.0, shift=0.0):
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(width, width))
    return generator.normal(size=(count, width)) @ mixing * scale + shift


def frechet_by_hand(a, b):
    covariance_a, covariance_b = np.cov(a.T), np.cov(b.T)
    root = sqrtm(covariance_a @ covariance_b).real
    difference = a.mean(axis=0) - b.mean(axis=0)
    return difference @ difference + np.trace(covariance_a + covariance_b - 2 * root)


def test_frechet_distance_equals_the_formula():
    a, b = rows(seed=0), rows(300, seed=1, scale=2, shift=0.5)
    assert frechet_distance(a, b) == pytest.approx(frechet_by_hand(a, b), rel=1e-9)


def test_frechet_distance_of_a_shift_is_its_square():
    assert frechet_distance(rows(), rows() + 2) == pytest.approx(5 * 4, rel=1e-9)


def test_frechet_distance_is_symmetric_and_zero_of_itself():
    a, b = rows(seed=0), rows(seed=1)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-9)
    assert 0 <= frechet_distance(a, a) < 1e-6


def test_frechet_distance_of_single_precision_is_computed_in_double():
    a, b = rows(seed=0), rows(seed=1)
    single = frechet_distance(a.astype(np.float32), b.astype(np.float32))
    assert single == pytest.approx(frechet_distance(a, b), rel=1e-5)


def test_frechet_distance_stands_collapsed_samples():
    assert np.isfinite(frechet_distance(rows(), np.ones((50, 5))))


@pytest.mark.parametrize('bad', [np.zeros((1, 5)), np.zeros((5, 1)), np.zeros(5)])
def test_frechet_distance_needs_two_rows_and_two_columns(bad):
    with pytest.raises(ValueError, match='features_b has shape'):
        frechet_distance(rows(), bad)


def test_frechet_distance_needs_equal_widths():
    with pytest.raises(ValueError, match='differ in width: 5 and 4'):
        frechet_distance(rows(), rows(width=4))


def test_spread_equals_the_double_loop():
    features, labels = rows(30), np.arange(30) % 4
    expected = []
    for label in range(4):
        members = [features[i] for i in range(30) if labels[i] == label]
        centre = sum(members) / len(members)
        total = 0.0
        for row in members:
            total += sum((row[d] - centre[d]) ** 2 for d in range(5))
        expected.append((total / len(members)) ** 0.5)
    assert within_class_spread(features, labels) == pytest.approx(np.mean(expected))


def test_spread_of_copies_is_zero_whatever_lies_between_classes():
    assert within_class_spread([[0.0], [0.0], [9.0], [9.0]], [0, 0, 1, 1]) == 0


def test_classes_of_one_sample_are_left_out_of_the_spread():
    assert within_class_spread([[0.0], [2.0], [99.0]], [0, 0, 1]) == 1


def test_spread_scales_with_the_features_and_flattens_images():
    images, labels = rows(40, 12).reshape(40, 2, 2, 3), np.arange(40) % 2
    spread = within_class_spread(images, labels)
    assert within_class_spread(3 * images, labels) == pytest.approx(3 * spread)
    assert within_class_spread(images.reshape(40, 12), labels) == pytest.approx(spread)


def test_spread_of_nothing_is_an_error():
    with pytest.raises(ValueError, match='no class has two samples'):
        within_class_spread([[0.0], [1.0]], [0, 1])
    with pytest.raises(ValueError, match=r'2 features, but labels of shape \(3,\)'):
        within_class_spread([[0.0], [1.0]], [0, 1, 1])


@pytest.mark.parametrize('counts', [(30, 30), (10, 39), (2, 25)])
def test_fewer_rows_than_columns_give_the_same_distance_by_their_products(counts):
    a, b = (rows(n, 40, seed=seed) for seed, n in enumerate(counts))
    by_covariances = gaussian_distance(gaussian_of(a), gaussian_of(b))
    assert frechet_distance(a, b) == pytest.approx(by_covariances, rel=1e-6)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
