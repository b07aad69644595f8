import pytest
import torch
from torch.nn import functional as F

from reacgan_plugin.layers.resample import (
    blur_filter,
    check_conv,
    downsample,
    resampled_conv2d,
    upsample,
)

BLUR = blur_filter().double()


def filtered(x, before, after):
    """Every channel weighed by the filter, position by position; zeros around."""
    x = F.pad(x, (before, after, before, after))
    height, width = x.shape[2] - 3, x.shape[3] - 3
    y = torch.zeros(*x.shape[:2], height, width, dtype=x.dtype)
    for i in range(4):
        for j in range(4):
            y += BLUR[i, j] * x[:, :, i : i + height, j : j + width]
    return y


def spread(x):
    """Zeros after every position, in both directions."""
    rows, channels, height, width = x.shape
    y = torch.zeros(rows, channels, 2 * height, 2 * width, dtype=x.dtype)
    y[:, :, ::2, ::2] = x
    return y


def features(*sides):
    return torch.randn(2, 3, *sides, dtype=torch.float64)


def weights(side):
    return torch.randn(5, 3, side, side, dtype=torch.float64)


def test_the_filter_is_the_outer_product_of_1_3_3_1_with_a_sum_of_one():
    row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    assert torch.allclose(blur_filter(), row[:, None] * row)


@pytest.mark.parametrize('sides', [(4, 4), (6, 10)])
def test_downsampling_is_filtering_at_every_other_position(sides):
    x = features(*sides)
    expected = filtered(x, 1, 1)[:, :, ::2, ::2]
    assert torch.allclose(downsample(x, BLUR), expected)


@pytest.mark.parametrize('sides', [(2, 2), (3, 5)])
def test_upsampling_is_filtering_among_zeros(sides):
    x = features(*sides)
    assert torch.allclose(upsample(x, BLUR), 4 * filtered(spread(x), 2, 1))


@pytest.mark.parametrize('resample', [downsample, upsample])
def test_a_constant_stays_one_away_from_the_borders(resample):
    y = resample(torch.full((1, 2, 8, 8), 0.7), blur_filter())
    assert torch.allclose(y[:, :, 1:-1, 1:-1], torch.tensor(0.7))


@pytest.mark.parametrize('side', [1, 3])
def test_a_halving_convolution_is_blur_then_convolution_then_every_other(side):
    x, weight = features(6, 8), weights(side)
    blurred = filtered(x, 1 + side // 2, 1 + side // 2)
    expected = F.conv2d(blurred, weight)[:, :, ::2, ::2]
    y = resampled_conv2d(x, weight, BLUR, resample='down')
    assert y.shape == (2, 5, 3, 4)
    assert torch.allclose(y, expected)


@pytest.mark.parametrize('side', [1, 3])
def test_a_doubling_convolution_is_convolution_among_zeros_then_blur(side):
    x, weight = features(3, 4), weights(side)
    # a transposed convolution turns the weight round
    convolved = F.conv2d(spread(x), weight.flip(2, 3), padding=side // 2 * 2)
    before = 2 - side // 2
    expected = 4 * filtered(convolved, before, 1 - side // 2)
    y = resampled_conv2d(x, weight, BLUR, resample='up')
    assert y.shape == (2, 5, 6, 8)
    assert torch.allclose(y, expected)


@pytest.mark.parametrize('side', [1, 3])
@pytest.mark.parametrize('resample', [None, 'up', 'down'])
def test_a_bias_is_added_to_every_position_alike(side, resample):
    x, weight, bias = features(4, 4), weights(side), torch.randn(5).double()
    plain = resampled_conv2d(x, weight, BLUR, resample=resample)
    biased = resampled_conv2d(x, weight, BLUR, bias=bias, resample=resample)
    assert torch.allclose(biased - plain, bias[:, None, None].expand_as(plain))


@pytest.mark.parametrize('side', [1, 3])
@pytest.mark.parametrize('resample', ['up', 'down'])
def test_second_derivatives_exist(side, resample):
    x = torch.randn(1, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(1, 2, side, side, dtype=torch.float64, requires_grad=True)

    def convolve(x, weight):
        return resampled_conv2d(x, weight, BLUR, resample=resample)

    assert torch.autograd.gradgradcheck(convolve, (x, weight))


@pytest.mark.parametrize('resample', [None, 'up', 'down'])
def test_memory_format_does_not_matter(resample):
    x, weight = features(4, 6), weights(3)
    y = resampled_conv2d(x, weight, BLUR, resample=resample)
    last = [t.contiguous(memory_format=torch.channels_last) for t in (x, weight)]
    y_last = resampled_conv2d(*last, BLUR, resample=resample)
    assert torch.allclose(y, y_last)
    assert y_last.is_contiguous(memory_format=torch.channels_last)


def test_images_are_upsampled_in_float32():
    x = torch.randn(1, 3, 4, 4).bfloat16()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        y = upsample(x, blur_filter())
    assert y.dtype == torch.float32
    assert torch.equal(y, upsample(x.float(), blur_filter()))


@pytest.mark.parametrize(
    'options, message',
    [((2, None), 'kernel_size=2 .*allowed: 1, 3'), ((3, 'upp'), "did you mean 'up'")],
)
def test_what_cannot_be_convolved_raises(options, message):
    with pytest.raises(ValueError, match=message):
        check_conv(*options)
