from types import SimpleNamespace

import numpy as np
import pytest

from reacgan_plugin.batch import Batch
from reacgan_plugin.checking.warnings import (
    describe_small_classes,
    describe_small_set,
    warnings_of,
)
from reacgan_plugin.conditioning import AC, D2DCELoss


class Labelled:
    """A data set of which only labels and names are asked."""

    def __init__(self, labels, classes=None):
        self.labels, self.classes = np.asarray(labels), classes

    def __len__(self):
        return len(self.labels)


def model(loss, classes=2):
    return SimpleNamespace(loss=loss, num_classes=classes, accumulation_mode='plain')


def test_classes_of_few_images_are_named_from_the_smallest():
    said = describe_small_classes(np.array([40, 19, 20, 0]), ['a', 'b', 'c', 'd'])
    assert said.startswith('2 of 4 classes have fewer than 20 images')
    assert said.endswith(': d (0), b (19)')
    assert describe_small_classes(np.array([5]), None).endswith(': 0 (5)')
    assert describe_small_classes(np.array([20, 20]), ['a', 'b']) == ''


def test_ten_small_classes_are_named_at_most():
    said = describe_small_classes(np.arange(15), None)
    assert said.count('(') == 10
    assert said.endswith(' and 5 more')


def test_a_data_set_that_does_not_fill_a_batch_is_told_of():
    """R33: since images come twice in a batch."""
    assert '7 images, fewer than total_batch_size=8' in describe_small_set(7, 8)
    assert describe_small_set(8, 8) == ''


def test_images_and_batch_that_raise_no_question_have_no_warnings():
    of, batch = model(D2DCELoss()), Batch(16)
    for dataset in (Labelled([0, 1] * 20), range(40)):  # the latter has no labels
        assert warnings_of(of, batch, dataset, class_balanced=False) == []


@pytest.mark.parametrize('balanced, warned', [(False, True), (True, False)])
def test_a_batch_of_one_class_is_judged_by_how_often_classes_are_shown(
    balanced, warned
):
    """R9: a batch that often gives no signal is warned of."""
    rare = Labelled([0] * 980 + [1] * 20)
    said = warnings_of(model(D2DCELoss()), Batch(16), rare, class_balanced=balanced)
    assert [('72% of the time' in sentence) for sentence in said] == [True] * warned


def test_each_thing_to_think_about_is_one_sentence():
    few = Labelled([0, 0, 0], classes=['cat', 'dog'])
    said = warnings_of(model(D2DCELoss()), Batch(4), few, class_balanced=False)
    assert len(said) == 3
    assert 'dog (0), cat (3)' in said[1]
    assert '100% of the time' in said[2]
    assert len(warnings_of(model(AC()), Batch(4), few, class_balanced=False)) == 2
