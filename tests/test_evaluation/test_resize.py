import numpy as np
import pytest
import torch
from evaluation_parts import random_images
from PIL import Image
from torch_fidelity.interpolate_compat_tensorflow import (
    interpolate_bilinear_2d_like_tensorflow1x,
)

from reacgan_plugin.evaluation.resize import RESIZERS, resized


def by_pillow(image, size, filter):
    """Each channel as floats, without rounding in between."""
    channels = [
        Image.fromarray(channel.numpy().astype(np.float32), mode='F')
        for channel in image.flatten(0, 1)
    ]
    rows = [np.asarray(channel.resize((size, size), filter)) for channel in channels]
    return torch.from_numpy(np.stack(rows)).view(*image.shape[:2], size, size)


@pytest.mark.parametrize('side, size', [(32, 75), (64, 48), (50, 17)])
@pytest.mark.parametrize('options, filter', [
    (dict(resizer='clean'), Image.BICUBIC),
    (dict(resizer='friendly', friendly='bilinear'), Image.BILINEAR),
    (dict(resizer='friendly', friendly='bicubic'), Image.BICUBIC),
])  # fmt: skip
def test_antialiased_resizers_equal_pillows_on_floats(side, size, options, filter):
    image = random_images(2, side=side)
    error = resized(image, size, **options) - by_pillow(image, size, filter)
    assert error.abs().max() < 0.01  # of 255 levels


@pytest.mark.parametrize('side, size', [(32, 75), (64, 48)])
def test_tensorflows_resizer_is_that_of_torch_fidelity(side, size):
    image = random_images(2, side=side)
    expected = interpolate_bilinear_2d_like_tensorflow1x(
        image.float(), size=(size, size), align_corners=False
    )
    assert torch.equal(resized(image, size, resizer='tf'), expected)


def test_tensorflows_resizer_does_not_smooth_what_it_skips():
    stripes = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    stripes[..., ::2] = 255
    assert resized(stripes, 32, resizer='tf').unique().tolist() == [255]
    smooth = resized(stripes, 32, resizer='clean')[..., 4:-4]
    assert (smooth - 127.5).abs().max() < 10


@pytest.mark.parametrize('resizer', RESIZERS)
def test_images_of_the_size_and_extractors_of_any_size_take_them_as_they_are(resizer):
    image = random_images(2, side=8)
    for size in (8, None):
        found = resized(image, size, resizer=resizer)
        assert found.dtype == torch.float32
        assert torch.equal(found, image.float())


@pytest.mark.parametrize('resizer', RESIZERS)
def test_red_stays_red(resizer):
    red = torch.tensor([200, 10, 30], dtype=torch.uint8).view(1, 3, 1, 1)
    found = resized(red.expand(1, 3, 32, 32), 75, resizer=resizer)
    assert (found - red).abs().max() < 1e-3


@pytest.mark.parametrize('options, message', [
    (dict(resizer='cleaned'), "resizer='cleaned' is not known.*did you mean 'clean'"),
    (dict(resizer='friendly', friendly='lanczos'), "filter='lanczos' is not known"),
])  # fmt: skip
def test_other_resizers_and_filters_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        resized(random_images(1), 16, **options)
