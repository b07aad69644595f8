import pytest
import torch
from torch import nn

from reacgan_plugin.layers import conv2d, embedding, linear

LAYERS = {
    'conv of few channels': lambda **o: conv2d(8, 4, 3, **o),
    'conv of many channels': lambda **o: conv2d(2, 24, 3, **o),
    'wide linear': lambda **o: linear(7, 5, **o),
    'tall linear': lambda **o: linear(5, 7, **o),
    'embedding': lambda **o: embedding(6, 4, **o),
}


@pytest.mark.parametrize('kind', LAYERS)
def test_rows_or_columns_are_orthonormal(kind):
    matrix = LAYERS[kind](spectral_norm=False).weight.flatten(1)
    if len(matrix) > matrix.shape[1]:
        matrix = matrix.T
    assert torch.allclose(matrix @ matrix.T, torch.eye(len(matrix)), atol=1e-5)


@pytest.mark.parametrize('kind', LAYERS)
def test_spectral_norm_starts_from_the_orthogonal_weight(kind):
    layer = LAYERS[kind](spectral_norm=True).eval()
    assert torch.allclose(layer.weight, layer.parametrizations.weight.original)


@pytest.mark.parametrize('kind', LAYERS)
def test_without_spectral_norm_the_layer_is_torchs_own(kind):
    layer = LAYERS[kind](spectral_norm=False)
    assert type(layer) in (nn.Conv2d, nn.Linear, nn.Embedding)
    assert not hasattr(layer, 'parametrizations')


@pytest.mark.parametrize(
    'make', [lambda **o: conv2d(2, 3, 1, **o), lambda **o: linear(2, 3, **o)]
)
def test_biases_start_at_zero_or_are_left_out(make):
    assert torch.count_nonzero(make().bias) == 0
    assert make(bias=False).bias is None


@pytest.mark.parametrize('kernel_size', [1, 3, 5])
def test_convolutions_keep_the_size(kernel_size):
    assert conv2d(2, 3, kernel_size)(torch.randn(1, 2, 6, 4)).shape == (1, 3, 6, 4)
