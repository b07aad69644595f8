import pytest
import torch
from torch.nn import functional as F

from reacgan_plugin.layers.modulated_conv import (
    StyledConv2d,
    ToRGB,
    demodulation,
    modulated_conv2d,
)
from reacgan_plugin.layers.resample import blur_filter, resampled_conv2d

W_DIM = 4


def sample_by_sample(x, weight, style, resample, demodulate):
    """Eqs. 1 and 3 as they stand: a weight of its own for every sample."""
    rows = []
    for row, scale in zip(x, style, strict=True):
        own = weight * scale[:, None, None]
        if demodulate:
            own = own / (own.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        rows.append(resampled_conv2d(row[None], own, blur_filter(), resample=resample))
    return torch.cat(rows)


@pytest.mark.parametrize('demodulate', [True, False])
@pytest.mark.parametrize('resample', [None, 'up', 'down'])
@pytest.mark.parametrize('side', [1, 3])
def test_equals_weights_of_every_samples_own(side, resample, demodulate):
    x, style = torch.randn(3, 4, 4, 6), torch.randn(3, 4)
    weight = torch.randn(5, 4, side, side)
    options = dict(resample=resample, demodulate=demodulate)
    y = modulated_conv2d(x, weight, style, blur_filter(), **options)
    expected = sample_by_sample(x, weight, style, **options)
    assert torch.allclose(y, expected, atol=1e-5)


def test_demodulated_outputs_have_unit_deviation_whatever_the_style():
    x, style = torch.randn(4, 32, 16, 16), 3 * torch.randn(4, 32)
    y = modulated_conv2d(x, torch.randn(16, 32, 3, 3), style)
    inside = y[:, :, 1:-1, 1:-1]
    assert torch.allclose(inside.std((2, 3)).mean(1), torch.ones(4), atol=0.05)


def test_a_style_of_zeros_has_a_finite_demodulation_and_gradient():
    style = torch.zeros(2, 4, requires_grad=True)
    demodulation(torch.randn(5, 4, 3, 3), style).sum().backward()
    assert torch.equal(style.grad, torch.zeros(2, 4))


def test_squares_of_styles_do_not_overflow_in_half_precision():
    weight, style = torch.randn(5, 4, 3, 3), 500 * torch.randn(2, 4)
    factor = demodulation(weight.half(), style.half())
    assert factor.dtype == torch.float32
    assert torch.allclose(factor, demodulation(weight, style), rtol=1e-2)


def test_second_derivatives_exist():
    inputs = [torch.randn(2, 2, 2, 2), torch.randn(2, 2, 3, 3), torch.randn(2, 2)]
    inputs = [t.double().requires_grad_() for t in inputs]
    assert torch.autograd.gradgradcheck(modulated_conv2d, inputs)


def layer(resample='up', strength=0.5, **options):
    """Channels 3 to 5 at 6 x 8, with noise that is heard and a bias."""
    sides = (6, 8)
    made = StyledConv2d(3, 5, W_DIM, sides=sides, resample=resample, **options)
    made.noise_strength.data.fill_(strength)
    made.bias.data.normal_()
    return made


def inputs(resample='up'):
    sides = (3, 4) if resample else (6, 8)
    return torch.randn(2, 3, *sides), torch.randn(2, W_DIM)


@pytest.mark.parametrize('resample', [None, 'up'])
def test_a_layer_adds_noise_and_bias_before_its_activation(resample):
    made = layer(resample)
    x, w = inputs(resample)
    style = made.affine(w)
    y = sample_by_sample(x, made.weight, style, resample, demodulate=True)
    y = y + 0.5 * made.noise_const + made.bias[:, None, None]
    expected = F.leaky_relu(y, 0.2) * 2**0.5
    assert torch.allclose(made(x, w, noise='const'), expected, atol=1e-4)


def test_constant_noise_is_repeated_random_noise_is_not():
    made, (x, w) = layer(), inputs()
    assert torch.equal(made(x, w, noise='const'), made(x, w, noise='const'))
    assert not torch.allclose(made(x, w, noise='random'), made(x, w, noise='random'))


def test_random_noise_differs_between_samples_but_not_between_channels():
    made, (x, _) = layer(), inputs()
    made.weight.data.zero_()  # only noise is left
    made.bias.data.zero_()
    y = made(x, torch.zeros(2, W_DIM), noise='random')
    assert torch.equal(y, y[:, :1].expand_as(y))
    assert not torch.allclose(y[0], y[1])


def test_without_noise_its_strength_does_not_matter():
    quiet, (x, w) = layer(strength=0.0), inputs()
    expected = quiet(x, w, noise='const')
    quiet.noise_strength.data.fill_(5.0)
    assert torch.equal(quiet(x, w, noise='none'), expected)


def test_a_fresh_layer_hears_no_noise_and_has_styles_around_one():
    made, (x, w) = StyledConv2d(3, 5, W_DIM, sides=(3, 4)), inputs()
    assert torch.equal(made(x, w, noise='random'), made(x, w, noise='none'))
    assert torch.equal(made.affine(torch.zeros(2, W_DIM)), torch.ones(2, 3))


@pytest.mark.parametrize('resample', [None, 'up'])
def test_outputs_are_clamped(resample):
    made = layer(resample, clamp=0.1)
    x, w = inputs(resample)
    assert made(x, w).abs().max().item() == pytest.approx(0.1)
    rgb = ToRGB(3, W_DIM, clamp=0.1)
    assert rgb(10 * x, w).abs().max().item() == pytest.approx(0.1)


@pytest.mark.parametrize(
    'call, message',
    [
        (lambda: layer()(*inputs(), noise='constant'), "did you mean 'const'"),
        (lambda: layer('down'), "resample='down' .*allowed: None, 'up'"),
    ],
)
def test_what_is_not_known_raises(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_colours_grow_with_the_style():
    rgb, (x, w) = ToRGB(3, W_DIM), inputs()
    rgb.bias.data.normal_()
    bias = rgb.bias[:, None, None]
    once = rgb(x, w) - bias
    rgb.affine.weight.data.mul_(2)
    rgb.affine.bias.data.mul_(2)
    assert torch.allclose(rgb(x, w) - bias, 2 * once, atol=1e-5)


def test_layers_run_in_half_precision_under_autocast():
    made, (x, w) = layer(), inputs()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        y = made(x, w)
    # the input is scaled in its own precision, the convolution is not
    assert y.dtype == torch.bfloat16
    assert torch.allclose(y.float(), made(x, w), atol=0.1)


def test_memory_format_does_not_matter():
    made, (x, w) = layer(), inputs()
    y = made(x, w)
    last = made.to(memory_format=torch.channels_last)(
        x.contiguous(memory_format=torch.channels_last), w
    )
    assert torch.allclose(y, last, atol=1e-5)
