import pytest
import torch
from torch.nn import functional as F

from reacgan_plugin.layers.folded_conv import (
    PooledConv2d,
    UpsampledConv2d,
    pooled_conv2d,
    upsampled_conv2d,
)


def upsampled_then_convolved(x, weight, bias=None):
    x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)


def convolved_then_averaged(x, weight, bias=None):
    y = F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)
    height, width = (side // 2 for side in y.shape[2:])
    y = y[:, :, : 2 * height, : 2 * width]
    return y.unflatten(3, (width, 2)).unflatten(2, (height, 2)).mean(dim=(3, 5))


FOLDED = {
    'up': (upsampled_conv2d, upsampled_then_convolved, UpsampledConv2d),
    'down': (pooled_conv2d, convolved_then_averaged, PooledConv2d),
}
both = pytest.mark.parametrize('way', FOLDED)


def inputs(side, *, sides=(4, 6), dtype=torch.float64, requires_grad=False):
    options = dict(dtype=dtype, requires_grad=requires_grad)
    return (
        torch.randn(2, 3, *sides, **options),
        torch.randn(4, 3, side, side, **options),
        torch.randn(4, **options),
    )


@both
@pytest.mark.parametrize('side', [1, 3, 5])
@pytest.mark.parametrize('sides', [(2, 2), (4, 6), (5, 3)])
def test_it_is_what_the_two_steps_give(way, side, sides):
    folded, in_two_steps, _ = FOLDED[way]
    for given in (inputs(side, sides=sides), inputs(side, sides=sides)[:2]):
        actual, expected = folded(*given), in_two_steps(*given)
        assert actual.shape == expected.shape
        assert torch.allclose(actual, expected, rtol=1e-12, atol=1e-12)


@both
@pytest.mark.parametrize('side', [1, 3])
def test_both_derivatives_are_right(way, side):
    given = inputs(side, sides=(2, 4), requires_grad=True)
    assert torch.autograd.gradcheck(FOLDED[way][0], given)
    assert torch.autograd.gradgradcheck(FOLDED[way][0], given)


@both
def test_gradients_are_those_of_the_two_steps(way):
    folded, in_two_steps, _ = FOLDED[way]
    given = inputs(3, requires_grad=True)
    weigh = torch.randn_like(folded(*given))
    actual, expected = (
        torch.autograd.grad((function(*given) * weigh).sum(), given)
        for function in (folded, in_two_steps)
    )
    for ours, theirs in zip(actual, expected, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@both
@pytest.mark.parametrize('of', ['output', 'gradient'])
def test_its_rounding_is_of_the_order_of_that_of_the_two_steps(way, of):
    folded, in_two_steps, _ = FOLDED[way]
    x = torch.randn(2, 192, 16, 16)
    weight = torch.randn(192, 192, 3, 3)

    def result(function, dtype):
        leaf = x.to(dtype).requires_grad_()
        y = function(leaf, weight.to(dtype))
        if of == 'output':
            return y.double()
        y.square().sum().backward()
        return leaf.grad.double()

    exact = result(in_two_steps, torch.float64)
    ours, theirs = (
        (result(function, torch.float32) - exact).square().mean().sqrt()
        for function in (folded, in_two_steps)
    )
    assert 0 < ours <= 4 * theirs
    assert ours <= 1e-6 * exact.square().mean().sqrt()


@both
@pytest.mark.parametrize(
    'memory_format', [torch.channels_last, torch.contiguous_format]
)
def test_the_layer_has_the_weights_and_names_of_a_convolution(way, memory_format):
    _, in_two_steps, layer = FOLDED[way]
    plain, folded = torch.nn.Conv2d(3, 4, 3, padding=1), layer(3, 4, 3)
    folded.load_state_dict(plain.state_dict())
    folded.to(memory_format=memory_format)
    x = inputs(3, dtype=torch.float32)[0].to(memory_format=memory_format)
    assert torch.allclose(
        folded(x), in_two_steps(x, plain.weight, plain.bias), atol=1e-6
    )


@both
@pytest.mark.parametrize('side', [1, 3])
def test_under_autocast_it_is_as_near_as_the_two_steps(way, side):
    folded, in_two_steps, _ = FOLDED[way]
    x, weight, bias = inputs(side, dtype=torch.float32)
    exact = in_two_steps(x, weight, bias)
    with torch.autocast('cpu', torch.bfloat16):
        y = folded(x, weight, bias)
    assert y.dtype == torch.bfloat16
    assert (y.float() - exact).abs().max() < 0.02 * exact.abs().max()
