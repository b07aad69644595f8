import math

import pytest
import torch

from reacgan_plugin.augment.wavelets import (
    CENTRE,
    SYM2,
    SYM6,
    band_taps,
    bands,
    resampling,
)

CPU = torch.device('cpu')
EXACT = (torch.float64, CPU)
SIDES = [2, 5, 6, 32, 33]


def filter_of(taps):
    return torch.tensor(taps, dtype=torch.float64)


@pytest.mark.parametrize('taps, moments', [(SYM6, 6), (SYM2, 2)])
def test_low_pass_filters_are_orthogonal_and_have_their_vanishing_moments(
    taps, moments
):
    h = filter_of(taps)
    assert len(h) == 2 * moments
    assert abs(h.sum() - math.sqrt(2)) < 1e-9
    for shift in range(0, len(h), 2):
        product = (h[shift:] * h[: len(h) - shift]).sum()
        assert abs(product - float(shift == 0)) < 1e-9
    n = torch.arange(len(h)).double()
    for power in range(moments):
        moment = ((-1) ** n * (n / len(h)) ** power * h).sum()
        assert abs(moment) < 1e-9


@pytest.mark.parametrize('side', SIDES)
def test_halving_undoes_doubling(side):
    double, halve = resampling(side, *EXACT)
    assert double.shape == (2 * side + 10, side)
    assert halve.shape == (side, 2 * side + 10)
    assert torch.allclose(halve @ double, torch.eye(side).double(), atol=1e-9)


def test_doubling_is_filtering_the_reflected_side_among_zeros():
    x = torch.randn(7, dtype=torch.float64)
    double, _ = resampling(7, *EXACT)
    beyond = torch.nn.functional.pad(x[None], (5, 5), mode='reflect')[0]
    spread = torch.zeros(2 * len(beyond), dtype=torch.float64)
    spread[::2] = beyond
    expected = torch.stack(
        [sum(SYM6[n] * spread[i - n] for n in range(12)) for i in range(10, 34)]
    )
    assert torch.allclose(double @ x, math.sqrt(2) * expected, atol=1e-9)


def test_slopes_are_doubled_exactly_away_from_the_borders():
    double, _ = resampling(24, *EXACT)
    centroid = sum(n * tap for n, tap in enumerate(SYM6)) / sum(SYM6)
    assert abs(centroid - CENTRE) < 0.1
    position = (torch.arange(58).double() - centroid) / 2
    pixel = torch.arange(24).double()
    error = double @ (3 * pixel + 1) - (3 * position + 1)
    assert error[12:46].abs().max() < 1e-9


@pytest.mark.parametrize('side', SIDES)
def test_bands_add_up_to_the_image_itself(side):
    filters = bands(side, *EXACT)
    assert filters.shape == (4, side, side)
    assert torch.allclose(filters.sum(0), torch.eye(side).double(), atol=1e-9)


def response(taps, frequency):
    """Of a symmetric filter at frequencies as a share of pi."""
    n = torch.arange(len(taps)) - len(taps) // 2
    waves = torch.cos(math.pi * frequency[:, None] * n)
    return waves.double() @ filter_of(taps)


def test_bands_are_symmetric_octaves():
    frequency = torch.linspace(0, 1, 257)
    responses = torch.stack([response(t, frequency) for t in band_taps()])
    for taps in band_taps():
        assert torch.allclose(filter_of(taps), filter_of(taps[::-1]))
    assert torch.allclose(responses.sum(0), torch.ones(257).double())
    assert responses.min() > -1e-6
    edges = [0, 1 / 8, 1 / 4, 1 / 2, 1]
    for n, inner in enumerate(responses):
        middle = (edges[n] + edges[n + 1]) / 2
        assert responses[:, frequency == middle].flatten().argmax() == n
        assert inner[frequency == (0.0 if n == 0 else 1.0)] == pytest.approx(
            float(n in (0, 3)), abs=1e-6
        )


def test_a_band_passes_the_waves_that_fit_into_a_reflected_side():
    side = 17  # waves of k half periods are mirrored at the centres of its ends
    n = torch.arange(side).double()
    for k in range(side):
        wave = torch.cos(math.pi * k * n / (side - 1))
        passed = bands(side, *EXACT) @ wave
        gains = torch.cat([response(t, torch.tensor([k / 16])) for t in band_taps()])
        assert torch.allclose(passed, gains[:, None] * wave, atol=1e-6)


@pytest.mark.parametrize('made', [resampling, bands])
def test_matrices_made_in_inference_mode_serve_training_later(made):
    side = 11  # of no other test
    with torch.inference_mode():
        made(side, torch.float32, CPU)
    matrix = made(side, torch.float32, CPU)[0]
    x = torch.randn(1, matrix.shape[1], requires_grad=True)
    (x @ matrix.T).square().sum().backward()
    assert x.grad.abs().sum() > 0
