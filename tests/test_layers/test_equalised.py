import math

import pytest
import torch
from torch.nn import functional as F

from reacgan_plugin.layers.equalised import EqualisedConv2d, EqualisedLinear


@pytest.mark.parametrize('lr_multiplier', [1.0, 0.01])
def test_weights_are_stored_at_unit_variance_over_the_multiplier(lr_multiplier):
    layer = EqualisedLinear(64, 64, lr_multiplier=lr_multiplier)
    deviation = layer.weight.std().item() * lr_multiplier
    assert deviation == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize('lr_multiplier', [1.0, 0.01])
@pytest.mark.parametrize('activation', [False, True])
def test_a_linear_map_keeps_the_mean_square(activation, lr_multiplier):
    layer = EqualisedLinear(
        256, 256, activation=activation, lr_multiplier=lr_multiplier
    )
    y = layer(torch.randn(64, 256))
    # of a leaky ReLU: (1 + 0.2^2) / 2, times the gain's 2
    expected = 1.04 if activation else 1.0
    assert y.square().mean().item() == pytest.approx(expected, rel=0.1)


def test_a_linear_map_equals_the_formula():
    layer = EqualisedLinear(3, 5, activation=True, lr_multiplier=0.1)
    layer.bias.data.normal_()
    x = torch.randn(4, 3)
    y = x @ (layer.weight * 0.1 / math.sqrt(3)).T + layer.bias * 0.1
    expected = torch.where(y > 0, y, 0.2 * y) * math.sqrt(2)
    assert torch.allclose(layer(x), expected, atol=1e-6)


@pytest.mark.parametrize('lr_multiplier', [1.0, 0.01])
def test_the_effective_bias_starts_where_it_should(lr_multiplier):
    layer = EqualisedLinear(3, 5, bias_init=1.0, lr_multiplier=lr_multiplier)
    assert torch.allclose(layer(torch.zeros(2, 3)), torch.ones(2, 5))


def test_a_step_of_one_size_moves_the_map_by_the_multiplier():
    slow = EqualisedLinear(3, 5, lr_multiplier=0.01)
    x = torch.randn(4, 3)
    before = slow(x)
    slow.weight.data += 1
    moved = slow(x) - before
    assert torch.allclose(
        moved, 0.01 / math.sqrt(3) * x.sum(1, keepdim=True).expand(4, 5), atol=1e-5
    )


@pytest.mark.parametrize('layer', [EqualisedLinear(3, 3), EqualisedConv2d(3, 3, 1)])
def test_a_layer_without_bias_has_none(layer):
    assert 'bias' in layer.state_dict()
    again = type(layer)(3, 3, *([1] if layer.weight.ndim == 4 else []), bias=False)
    assert 'bias' not in again.state_dict()
    x = torch.zeros(2, 3, *([2, 2] if layer.weight.ndim == 4 else []))
    assert torch.equal(again(x), x)


@pytest.mark.parametrize('kernel_size', [1, 3])
def test_a_convolution_equals_the_formula(kernel_size):
    layer = EqualisedConv2d(3, 5, kernel_size, activation=True, gain=0.5)
    layer.bias.data.normal_()
    x = torch.randn(2, 3, 4, 6)
    weight = layer.weight / math.sqrt(3 * kernel_size**2)
    y = F.conv2d(x, weight, layer.bias, padding=kernel_size // 2)
    expected = F.leaky_relu(y, 0.2) * math.sqrt(2) * 0.5
    assert torch.allclose(layer(x), expected, atol=1e-6)


@pytest.mark.parametrize(
    'resample, sides', [(None, (4, 6)), ('up', (8, 12)), ('down', (2, 3))]
)
def test_a_convolution_keeps_doubles_or_halves_the_sides(resample, sides):
    layer = EqualisedConv2d(3, 5, 3, resample=resample)
    assert layer(torch.randn(2, 3, 4, 6)).shape == (2, 5, *sides)


def test_outputs_are_clamped_relative_to_the_gain():
    x = 100 * torch.randn(2, 3, 4, 4)
    limits = []
    for gain in (1.0, 0.5):
        layer = EqualisedConv2d(3, 5, 3, activation=True, gain=gain, clamp=2.0)
        y = layer(x)
        limits += [y.min().item(), y.max().item()]
    assert limits == [-2, 2, -1, 1]


@pytest.mark.parametrize('resample', [None, 'up', 'down'])
def test_second_derivatives_exist(resample):
    layer = EqualisedConv2d(1, 2, 3, activation=True, resample=resample).double()
    x = torch.randn(1, 1, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(layer, x)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float64])
def test_outputs_have_the_dtype_of_their_inputs(dtype):
    linear = EqualisedLinear(3, 4, activation=True)
    conv = EqualisedConv2d(3, 4, 3, activation=True)
    for layer, x in ((linear, torch.randn(2, 3)), (conv, torch.randn(2, 3, 4, 4))):
        expected = layer(x)
        y = layer(x.to(dtype))
        assert y.dtype == dtype
        assert torch.allclose(y.float(), expected, atol=0.05)


@pytest.mark.parametrize('resample', [None, 'up', 'down'])
def test_autocast_reaches_the_convolution(resample):
    layer = EqualisedConv2d(3, 4, 3, activation=True, resample=resample)
    x = torch.randn(2, 3, 4, 4)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    assert torch.allclose(y.float(), layer(x), atol=0.05)


def test_the_filter_is_kept_but_not_learned():
    layer = EqualisedConv2d(3, 4, 3)
    assert 'resample_filter' in layer.state_dict()
    assert 'resample_filter' not in dict(layer.named_parameters())


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(kernel_size=5), 'kernel_size=5'),
        (dict(resample='half'), "resample='half'"),
    ],
)
def test_an_option_that_is_not_known_raises(options, message):
    with pytest.raises(ValueError, match=message):
        EqualisedConv2d(3, 4, **{'kernel_size': 3, **options})
