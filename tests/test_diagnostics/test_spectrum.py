import pytest
import torch
from tiny_gan import biggan, changed, state
from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils.spectral_norm import spectral_norm as old_spectral_norm

from reacgan_plugin.diagnostics import largest_singular_value, spectral_norms
from reacgan_plugin.layers import EqualisedLinear, conv2d


def exact(matrix):
    return torch.linalg.svdvals(matrix.detach().flatten(1)).max()


@pytest.mark.parametrize('shape', [(3, 7), (7, 3), (1, 5), (40, 40), (64, 576)])
def test_power_iteration_finds_the_largest_singular_value(shape):
    matrix = torch.randn(shape)
    assert torch.allclose(largest_singular_value(matrix), exact(matrix), rtol=0.02)
    nearly_orthogonal = nn.init.orthogonal_(torch.empty(shape)) + 0.01 * matrix
    found = largest_singular_value(nearly_orthogonal)
    assert torch.allclose(found, exact(nearly_orthogonal), rtol=0.02)


def test_equal_singular_values_and_a_weight_of_zeros_are_no_trouble():
    assert largest_singular_value(3 * torch.eye(5)).item() == pytest.approx(3)
    assert largest_singular_value(torch.zeros(2, 3)) == 0


def test_weights_are_those_that_a_pass_uses():
    layer = nn.Linear(4, 6)
    with torch.no_grad():
        layer.weight.mul_(5)
    plain = exact(layer.weight)
    assert torch.allclose(spectral_norms(layer), plain.reshape(1), rtol=0.01)
    normalised = conv2d(3, 8, 3)
    assert spectral_norms(normalised).item() == pytest.approx(1, abs=0.02)
    torchs = parametrizations.spectral_norm(nn.Linear(4, 6))
    assert spectral_norms(torchs).item() == pytest.approx(1, abs=0.02)
    equalised = EqualisedLinear(4, 6)
    found = exact(equalised.weight * equalised.weight_gain)
    assert torch.allclose(spectral_norms(equalised), found.reshape(1), rtol=0.01)


def test_older_norms_of_torch_are_seen_too():
    older = old_spectral_norm(nn.Linear(4, 6), n_power_iterations=20)
    older(torch.randn(2, 4))
    assert spectral_norms(older).item() == pytest.approx(1, abs=0.02)


def test_a_weight_norm_is_read_as_it_comes_out():
    newer = parametrizations.weight_norm(nn.Linear(4, 6))
    found = exact(newer.weight)
    assert torch.allclose(spectral_norms(newer), found.reshape(1), rtol=0.01)


def test_rows_of_a_transposed_convolution_are_its_outputs():
    layer = nn.ConvTranspose2d(2, 5, 3)
    found = exact(layer.weight.transpose(0, 1))
    assert torch.allclose(spectral_norms(layer), found.reshape(1), rtol=0.01)


def test_fixed_weights_biases_and_gains_do_not_count():
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))
    network[2].weight.requires_grad_(False)
    assert spectral_norms(network).shape == (1,)
    assert spectral_norms(nn.Tanh()).shape == (0,)


def test_nothing_of_the_network_changes():
    network = biggan().discriminator.train()
    before = state(network)
    norms = spectral_norms(network)
    assert changed(before, network) == set()
    assert len(norms) > 10
    assert not norms.requires_grad
