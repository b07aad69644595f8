import numpy as np
import pytest
from PIL import Image

from reacgan_plugin.data.dataset import build_pipeline
from reacgan_plugin.data.resizing import FILTERS

SMALLER = (7, 5)  # width, height


def resized(image, **options):
    (transform,) = build_pipeline([dict(type='Resize', scale=SMALLER, **options)])
    return transform(dict(img=image))['img']


@pytest.mark.parametrize('shape', [(31, 40, 3), (31, 40)])
@pytest.mark.parametrize('name', FILTERS)
def test_a_filter_is_pillows_own(name, shape):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    expected = Image.fromarray(image).resize(SMALLER, Image.Resampling[name.upper()])
    found = resized(image, backend='pillow', interpolation=name)
    assert np.array_equal(found, np.asarray(expected))


@pytest.mark.parametrize('name', FILTERS)
def test_every_filter_sees_every_pixel(name):
    """A line of one pixel leaves a trace, wherever it is."""
    for column in range(64):
        image = np.zeros((64, 64), dtype=np.uint8)
        image[:, column] = 255
        small = resized(image, backend='pillow', interpolation=name)
        assert small.max(1).min() > 0


def test_box_is_the_mean_of_the_pixels_covered():
    image = np.random.default_rng(0).integers(0, 256, (10, 14), dtype=np.uint8)
    means = image.reshape(5, 2, 7, 2).mean((1, 3))
    found = resized(image, backend='pillow', interpolation='box')
    assert np.abs(found - means).max() <= 1  # rounded once for each direction


@pytest.mark.parametrize(
    'options', [{}, dict(interpolation='lanczos'), dict(backend='cv2')]
)
def test_opencvs_resizers_are_refused_since_they_skip_pixels(options):
    with pytest.raises(ValueError, match="without antialiasing.*backend='pillow'"):
        resized(np.zeros((64, 64), np.uint8), **options)


def test_opencvs_area_is_the_mean_too():
    image = np.random.default_rng(0).integers(0, 256, (10, 14), dtype=np.uint8)
    means = image.reshape(5, 2, 7, 2).mean((1, 3))
    assert np.abs(resized(image, interpolation='area') - means).max() <= 0.5


def test_a_misspelt_filter_comes_with_the_nearest():
    with pytest.raises(ValueError, match="'lancoz'.*did you mean 'lanczos'"):
        resized(np.zeros((9, 9), np.uint8), backend='pillow', interpolation='lancoz')
