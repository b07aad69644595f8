import pytest
import torch

from reacgan_plugin.layers import HypersphereProjection


@pytest.mark.parametrize('spectral_norm', [True, False])
@pytest.mark.parametrize('scale', [1e-6, 1.0, 1e6])
def test_rows_have_unit_norm(scale, spectral_norm):
    layer = HypersphereProjection(5, 7, spectral_norm=spectral_norm)
    embedding = layer(scale * torch.randn(4, 5))
    assert embedding.shape == (4, 7)
    assert torch.allclose(embedding.norm(dim=1), torch.ones(4))


def test_rows_point_where_the_linear_map_points():
    layer = HypersphereProjection(5, 7, spectral_norm=False)
    features = torch.randn(4, 5)
    mapped = features @ layer.linear.weight.T + layer.linear.bias
    for row, expected in zip(layer(features), mapped, strict=True):
        assert torch.allclose(row, expected / expected.norm(), atol=1e-6)


def test_a_zero_row_stays_zero_and_its_gradient_is_bounded():
    layer = HypersphereProjection(5, 7)
    features = torch.randn(3, 5)
    features[1] = 0
    embedding = layer(features.requires_grad_())
    assert torch.count_nonzero(embedding[1]) == 0
    embedding.sum().backward()
    assert features.grad.abs().max() < 10
    for name, parameter in layer.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def test_autocast_gives_unit_rows_in_float32():
    layer = HypersphereProjection(5, 7)
    with torch.autocast('cpu', torch.bfloat16):
        embedding = layer(torch.randn(4, 5))
    assert embedding.dtype == torch.float32
    assert torch.allclose(embedding.norm(dim=1), torch.ones(4))


@pytest.mark.parametrize('spectral_norm', [True, False])
def test_spectral_norm_can_be_left_out(spectral_norm):
    layer = HypersphereProjection(5, 7, spectral_norm=spectral_norm)
    assert hasattr(layer.linear, 'parametrizations') is spectral_norm
