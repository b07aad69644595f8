import math

import pytest
import torch
from distributions import assert_distributed, normal

from reacgan_plugin.augment.filtering import (
    band_gains,
    draw_amplifications,
    filtered,
)

POWER = torch.tensor([10.0, 1, 1, 1]).double() / 13


def gains(*values):
    return torch.tensor([values], dtype=torch.float64)


def waves(k, side=33):
    """An image of k half periods along both sides, which its mirror image continues."""
    n = torch.arange(side).double()
    wave = torch.cos(math.pi * k * n / (side - 1))
    return (wave[:, None] * wave).expand(1, 3, -1, -1)


@pytest.mark.parametrize('height, width', [(8, 8), (16, 24), (3, 2)])
def test_gains_of_one_change_nothing(height, width):
    x = torch.randn(2, 3, height, width).double()
    ones = torch.ones(2, 4).double()
    assert torch.allclose(filtered(x, ones), x, atol=1e-9)


@pytest.mark.parametrize('k, band', [(0, 0), (32, 3)])
def test_a_wave_is_multiplied_by_the_gain_of_its_band_in_both_directions(k, band):
    gain = [1.0] * 4
    gain[band] = 3.0
    y = filtered(waves(k), gains(*gain))
    assert torch.allclose(y, 9 * waves(k), atol=1e-6)


@pytest.mark.parametrize('k, band', [(6, 1), (12, 2), (24, 3)])
def test_a_wave_inside_a_band_is_changed_most_by_that_band(k, band):
    changes = [
        (filtered(waves(k), gains(*(2.0 if b == n else 1.0 for n in range(4)))))
        .sub(waves(k))
        .abs()
        .max()
        for b in range(4)
    ]
    assert max(range(4), key=lambda b: changes[b]) == band


def one_after_the_other(log2):
    """The paper's loop: amplify a band, normalise, go on to the next."""
    total = torch.ones(4).double()
    for n in range(4):
        gain = torch.ones(4).double()
        gain[n] = 2 ** log2[n]
        total = total * gain / (POWER * gain.square()).sum().sqrt()
    return total


def test_gains_are_those_of_the_papers_loop():
    log2 = torch.randn(5, 4).double()
    log2[0] = 0
    expected = torch.stack([one_after_the_other(row) for row in log2])
    found = band_gains(log2)
    assert torch.allclose(found, expected)
    assert torch.equal(found[0], torch.ones(4).double())


@pytest.mark.parametrize('band', range(4))
def test_one_amplified_band_keeps_the_expected_power(band):
    log2 = torch.zeros(1, 4).double()
    log2[0, band] = 1.7
    assert torch.allclose(
        (POWER * band_gains(log2).square()).sum(), torch.ones(()).double()
    )


def test_each_band_is_amplified_by_itself_and_log_normally():
    x = torch.zeros(10000, 1)
    certain = draw_amplifications(x, torch.tensor(1.0))
    for band in certain.T:
        assert_distributed(band, normal(1.0))
    some = (draw_amplifications(x, torch.tensor(0.3)) != 0).float()
    assert ((some.mean(0) - 0.3).abs() < 0.02).all()
    assert (torch.corrcoef(some.T) - torch.eye(4)).abs().max() < 0.05
    assert (draw_amplifications(x, torch.tensor(0.0)) == 0).all()


def test_images_have_gains_of_their_own():
    x = torch.randn(2, 3, 6, 8).double()
    both = torch.cat([gains(1, 2, 1, 0.5), gains(2, 1, 1, 1)])
    y = filtered(x, both)
    for n in range(2):
        alone = filtered(x[n : n + 1], both[n : n + 1])
        assert torch.allclose(y[n : n + 1], alone)


def test_filtering_agrees_with_finite_differences_twice():
    x = torch.randn(2, 1, 3, 4, dtype=torch.float64, requires_grad=True)
    both = torch.rand(2, 4).double() + 0.5
    assert torch.autograd.gradcheck(lambda x: filtered(x, both), x)
    assert torch.autograd.gradgradcheck(lambda x: filtered(x, both).square(), x)
