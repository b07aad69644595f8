"""Metrics that look at labels."""

import numpy as np
import pytest
from evaluation_parts import random_rows
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from reacgan_plugin.evaluation.metrics import (
    FID,
    ClassifierAccuracy,
    IntraFID,
    LabelAgreement,
)
from reacgan_plugin.evaluation.metrics.label_agreement import held_out


def mixed_up(rows, seed=0):
    rows.labels = np.random.default_rng(seed).permutation(rows.labels)
    return rows


def fid(real, fake):
    return FID().compute(real, fake)['FID']


@pytest.mark.filterwarnings('ignore::reacgan_plugin.evaluation.metrics.FewImages')
def test_intra_fid_is_the_mean_of_the_fid_of_each_class():
    real, fake = random_rows(90, seed=0), random_rows(60, seed=1)
    expected = []
    for name in range(3):
        pair = [random_rows(30), random_rows(20)]
        for rows, whole in zip(pair, (real, fake), strict=True):
            rows.features = whole.features[whole.labels == name]
        expected.append(fid(*pair))
    found = IntraFID().compute(real, fake)['intra_FID']
    assert found == pytest.approx(np.mean(expected), rel=1e-6)
    assert IntraFID().compute(real, mixed_up(fake))['intra_FID'] > 2 * found
    assert fid(real, fake) == pytest.approx(fid(real, mixed_up(fake)))


def test_classes_of_one_image_are_left_out_with_a_warning():
    real, fake = random_rows(90), random_rows(60, seed=1)
    fake.labels[fake.labels == 2] = 1
    with pytest.warns(UserWarning, match='of 2 of 3 classes, the smallest with 20'):
        IntraFID().compute(real, fake)


def test_the_score_of_a_classifier_learned_from_fakes_is_its_accuracy_on_reals():
    real, fake = random_rows(90, seed=0), random_rows(60, seed=1)
    scaler = StandardScaler().fit(fake.features)
    model = LogisticRegression().fit(scaler.transform(fake.features), fake.labels)
    expected = model.score(scaler.transform(real.features), real.labels)
    found = ClassifierAccuracy().compute(real, fake)['CAS']
    assert found == pytest.approx(expected) and found > 0.8
    assert ClassifierAccuracy().compute(real, mixed_up(fake))['CAS'] < 0.6


def test_agreement_with_labels_is_that_of_a_probe_of_reals():
    real, fake = random_rows(120, seed=0), random_rows(60, seed=1)
    found = LabelAgreement().compute(real, fake)
    assert found['label_agreement'] > 0.8 and found['label_agreement_real'] > 0.8
    mixed = LabelAgreement().compute(real, mixed_up(fake))
    assert mixed['label_agreement'] < 0.6
    assert mixed['label_agreement_real'] == found['label_agreement_real']


def test_a_quarter_of_each_class_is_held_out():
    labels = np.array([0] * 8 + [1] * 5 + [2] * 3)
    assert np.bincount(labels[held_out(labels)], minlength=3).tolist() == [2, 1, 0]


def test_reals_too_few_to_hold_any_out_are_said():
    with pytest.warns(UserWarning, match='no class has 4 reals'):
        found = LabelAgreement().compute(random_rows(9), random_rows(9, seed=1))
    assert found.keys() == {'label_agreement'}


def test_agreement_by_logits_takes_the_extractors_own_classes():
    real, fake = random_rows(30), random_rows(30, seed=1)
    metric = LabelAgreement('logits')
    assert metric.uses_logits and metric.better == {'label_agreement': 'greater'}
    expected = (fake.logits.argmax(1).numpy() == fake.labels).mean()
    assert metric.compute(real, fake) == {'label_agreement': expected}


def test_logits_of_other_classes_are_refused():
    fake = random_rows(30, classes=5)
    fake.logits = random_rows(30, classes=9).logits
    with pytest.raises(ValueError, match='knows 9 classes, the data set 5'):
        LabelAgreement('logits').compute(random_rows(30), fake)


@pytest.mark.parametrize('metric', [IntraFID, ClassifierAccuracy, LabelAgreement])
def test_images_without_labels_are_named(metric):
    real, fake = random_rows(30), random_rows(30, seed=1)
    real.labels = None
    with pytest.raises(ValueError, match='rows has no labels'):
        metric().compute(real, fake)


def test_fakes_of_one_class_teach_nothing():
    fake = random_rows(10)
    fake.labels[:] = 1
    with pytest.raises(ValueError, match='two classes or more'):
        ClassifierAccuracy().compute(random_rows(30), fake)
