"""One image, ten, and as many as users have: a number, with a warning, or a message."""

import math
import warnings

import pytest
from evaluation_parts import random_rows

from reacgan_plugin.evaluation import metrics
from reacgan_plugin.evaluation.metrics import FewImages

EVERY = {
    'FID': metrics.FID,
    'IS': metrics.InceptionScore,
    'KID': lambda: metrics.KID(subsets=3),
    'precision': metrics.PrecisionRecall,
    'density': metrics.DensityCoverage,
    'intra-FID': metrics.IntraFID,
    'CAS': metrics.ClassifierAccuracy,
    'agreement': metrics.LabelAgreement,
}


@pytest.mark.parametrize('name', EVERY)
@pytest.mark.parametrize('count', [1, 10, 876])
def test_a_number_or_a_message_of_one_line(name, count):
    real, fake = random_rows(200, seed=1, width=16), random_rows(count, width=16)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always', FewImages)
        warnings.simplefilter('error', RuntimeWarning)  # numpy's, of an empty mean
        try:
            found = EVERY[name]().compute(real, fake)
        except ValueError as error:
            assert count == 1 and '\n' not in str(error)
            assert 'or more' in str(error)
        else:
            assert all(math.isfinite(value) for value in found.values())
            assert found.keys() <= EVERY[name]().better.keys()
            told = [w for w in caught if issubclass(w.category, FewImages)]
            assert count == 876 or told


@pytest.mark.parametrize('metric, count, message', [
    (metrics.FID(), 16, 'FID: 16 images .* covariance of 16 features'),
    (metrics.KID(subsets=3), 876, 'subsets of 200 images in place of 1000'),
    (metrics.InceptionScore(), 20, '10 splits of 2 images, which cannot score more'),
    (metrics.PrecisionRecall(), 10, r'of 10 images \(rows\) alone'),
    (metrics.DensityCoverage(), 1, r'density and coverage: a rough share, of 1 images'),
    (metrics.ClassifierAccuracy(), 10, 'accuracy score: a rough share, of 10 images'),
    (metrics.LabelAgreement(), 1, 'label agreement: a rough share, of 1 images'),
    (metrics.DensityCoverage(), 876, '200 reals, 876 fakes; compare with numbers of'),
    (metrics.PrecisionRecall(), 90, '200 reals, 90 fakes; compare with numbers of'),
    (metrics.IntraFID(), 30, 'of 3 of 3 classes, the smallest with 10 images'),
])  # fmt: skip
def test_numbers_of_too_few_images_come_with_a_warning(metric, count, message):
    real, fake = random_rows(200, seed=1, width=16), random_rows(count, width=16)
    with pytest.warns(FewImages, match=message):
        metric.compute(real, fake)


def test_sets_that_are_half_as_large_count_as_alike():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for metric in (metrics.PrecisionRecall(), metrics.DensityCoverage()):
            metric.compute(random_rows(500, seed=1), random_rows(1000))


def test_enough_images_come_without_one():
    real, fake = random_rows(1100, seed=1), random_rows(1200)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for metric in EVERY.values():
            metric().compute(real, fake)


def test_the_message_says_of_which_set_there_are_too_few():
    fake = random_rows(1)
    fake.name = 'samples'
    with pytest.raises(ValueError, match='FID takes 2 images or more; samples has 1'):
        metrics.FID().compute(random_rows(30), fake)


@pytest.mark.parametrize('make, message', [
    (lambda: metrics.InceptionScore(0), 'splits=0'),
    (lambda: metrics.KID(subset_size=1), 'subset_size=1'),
    (lambda: metrics.PrecisionRecall(0), 'neighbours=0'),
    (lambda: metrics.DensityCoverage(0), 'neighbours=0'),
    (lambda: metrics.LabelAgreement('logit'), "did you mean 'logits'"),
])  # fmt: skip
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
