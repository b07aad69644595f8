"""What every head keeps: its logit, and what it refuses."""

import numpy as np
import pytest
import torch
from tiny_methods import CLASSES, FEATURES, LABEL, METHODS, built, judged
from torch.nn import functional as F

from reacgan_plugin.conditioning import AdversarialHead

every_method = pytest.mark.parametrize('name', METHODS)


def test_the_adversarial_logit_is_a_linear_map():
    head = AdversarialHead(FEATURES, CLASSES, spectral_norm=False)
    head.adversarial.bias.data.fill_(0.3)
    features = torch.randn(4, FEATURES)
    weight = head.adversarial.weight[0]
    for logit, row in zip(judged(head, features).logits, features, strict=True):
        assert torch.isclose(logit, row @ weight + 0.3, atol=1e-6)


@every_method
@pytest.mark.parametrize(
    'label, message',
    [
        (torch.tensor([0.0, 1.0, 2.0, 1.0]), 'float32; allowed: integers'),
        (F.one_hot(LABEL), r'\(4, 3\); allowed: \(4,\).*argmax'),
        (LABEL[:, None], r'\(4, 1\); allowed: \(4,\).*squeeze'),
        (torch.tensor([0, 1, 3, 1]), r'class 3; allowed: 0\.\.2'),
        (torch.tensor([0, 1, -1, 1]), r'class -1; allowed: 0\.\.2'),
        (LABEL[:3], '3 entries for 4 samples'),
        (LABEL > 0, 'bool; allowed: integers'),
    ],
)
def test_labels_that_do_not_fit_raise(name, label, message):
    """R34: with every method."""
    head = built(name, spectral_norm=False)[1]
    with pytest.raises(ValueError, match=message):
        head(torch.randn(4, FEATURES), label)


@pytest.mark.parametrize('name', ['AC', 'MD', 'ADC(AC)', 'Info(TAC(AC))'])
@pytest.mark.parametrize('classes', [0, -3, 2.0, '3', True, None])
def test_a_number_of_classes_that_is_none_raises(name, classes):
    message = f'num_classes={classes!r}; allowed: a whole number above 0'
    with pytest.raises(ValueError, match=message):
        METHODS[name]().build_head(FEATURES, classes)


def test_a_head_made_without_its_method_checks_the_number_of_classes_too():
    with pytest.raises(ValueError, match='num_classes=0; allowed'):
        AdversarialHead(FEATURES, 0)


@every_method
def test_the_number_of_classes_may_be_a_whole_number_of_numpy(name):
    head = METHODS[name]().build_head(FEATURES, np.int64(CLASSES))
    assert judged(head).logits.isfinite().all()
