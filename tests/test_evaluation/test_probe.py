import numpy as np
import pytest
from PIL import Image

from reacgan_plugin.data.digits import load_digit_images
from reacgan_plugin.evaluation.probe import DigitProbe, grey_images


def enlarged(images, side=32):
    pictures = [Image.fromarray(image) for image in images]
    large = [picture.resize((side, side), Image.BICUBIC) for picture in pictures]
    return np.stack([np.asarray(picture) for picture in large])


@pytest.fixture(scope='module')
def train():
    images, labels = load_digit_images('train')
    return enlarged(images), labels


@pytest.fixture(scope='module')
def held_out():
    images, labels = load_digit_images('test')
    return enlarged(images), labels


@pytest.fixture(scope='module')
def probe(train):
    return DigitProbe(*train)


def test_it_is_right_on_held_out_digits(probe, held_out):
    assert probe.accuracy(*held_out) >= 0.97


def test_accuracy_is_the_share_of_right_predictions(probe, held_out):
    images, labels = held_out
    assert probe.accuracy(images, labels) == np.mean(probe.predict(images) == labels)
    assert probe.accuracy(images, (labels + 1) % 10) < 0.02


def test_features_are_the_last_hidden_layer(probe, held_out):
    images = held_out[0][:20]
    features = probe.features(images)
    assert features.shape == (20, 32)
    assert np.abs(features).max() <= 1
    scores = features @ probe.classifier.coefs_[-1] + probe.classifier.intercepts_[-1]
    assert np.array_equal(scores.argmax(axis=1), probe.predict(images))


def test_bytes_floats_and_channels_are_read_alike(probe, held_out):
    images = held_out[0][:20]
    features = probe.features(images)
    for other in (
        images[..., None],
        np.repeat(images[..., None], 3, axis=3),
        (images / 127.5 - 1).astype(np.float32),
    ):
        assert np.allclose(probe.features(other), features, atol=1e-4)


def test_the_same_seed_gives_the_same_probe(train, held_out):
    few = train[0][:300], train[1][:300]
    probes = [DigitProbe(*few, seed=seed) for seed in (0, 0, 1)]
    first, second, third = (probe.features(held_out[0]) for probe in probes)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


def test_grey_images_are_averages_over_areas():
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    grey = grey_images(images)
    assert grey.shape == (2, 16, 16)
    assert grey[1, 3, 5] == pytest.approx(images[1, 6:8, 10:12].mean() / 255)


@pytest.mark.parametrize('bad, message', [
    (np.zeros((2, 32, 32), int), 'images are int64'),
    (np.zeros((32, 32), np.uint8), r'shape \(32, 32\)'),
    (np.zeros((0, 32, 32), np.uint8), r'shape \(0, 32, 32\)'),
    (np.full((2, 32, 32), 255.0), 'from 255.0 to 255.0; they must lie in'),
    (np.full((2, 32, 32), np.nan), 'they must lie in'),
])  # fmt: skip
def test_other_images_are_refused(bad, message):
    with pytest.raises(ValueError, match=message):
        grey_images(bad)
