import numpy as np
import pytest
from PIL import Image

from reacgan_plugin.data.digits import load_digit_images
from reacgan_plugin.evaluation.report import format_report, probe_report


def real(split):
    images, labels = load_digit_images(split)
    large = [np.asarray(Image.fromarray(image).resize((32, 32))) for image in images]
    return np.repeat(np.stack(large)[..., None], 3, axis=3), labels


@pytest.fixture(scope='module')
def train():
    return real('train')


@pytest.fixture(scope='module')
def held_out():
    return real('test')


@pytest.fixture(scope='module')
def report_of_reality(train, held_out):
    return probe_report(train, held_out, *held_out)


def test_real_images_score_as_reality(report_of_reality):
    report = report_of_reality
    assert report['accuracy_real'] == report['accuracy_samples'] >= 0.97
    assert report['spread_share'] == pytest.approx(1)
    assert report['frechet_samples'] == pytest.approx(0, abs=1e-6)
    assert 0 < report['frechet_real'] < 0.5


def test_one_picture_a_class_has_accuracy_but_no_spread(train, held_out):
    """R20: a collapse inside classes shows."""
    images, labels = train
    first = [images[labels == label][0] for label in range(10)]
    repeated = np.tile(np.arange(10), 45)
    report = probe_report(train, held_out, np.stack(first)[repeated], repeated)
    assert report['accuracy_samples'] == 1
    assert report['spread_share'] == pytest.approx(0, abs=1e-6)
    assert report['frechet_samples'] > 10 * report['frechet_real']


def test_every_line_has_the_real_number_beside_it(report_of_reality):
    lines = format_report(report_of_reality).splitlines()
    assert len(lines) == 3
    assert all('samples' in line and 'real' in line for line in lines)
    assert f'{report_of_reality["accuracy_real"]:.3f}' in lines[0]
    assert f'{report_of_reality["frechet_real"]:.3f}' in lines[2]
