import pickle
from itertools import islice

import numpy as np
import pytest
from torch.utils.data import Dataset

from reacgan_plugin.config import load_config
from reacgan_plugin.config_checks import check_types
from reacgan_plugin.data import loader
from reacgan_plugin.data.checks import check_dataset
from reacgan_plugin.data.dataset import ImageDataset
from reacgan_plugin.data.digits import Digits
from reacgan_plugin.data.instance_selection import InstanceSelection
from reacgan_plugin.data.loading import LoadImage, PackImage
from reacgan_plugin.data.subset import LongTail, PerClass, Subset
from reacgan_plugin.evaluation.fingerprint import fingerprint
from reacgan_plugin.evaluation.reals import unaltered

PIPELINE = [LoadImage(), PackImage()]
PLAN = dict(seed=4, micro_batch=6, micro_batches_per_iteration=1, rank=0, world_size=1)


class Levels(ImageDataset):
    """Image i is filled with i."""

    def __init__(self, sizes, order=None):
        labels = np.repeat(np.arange(len(sizes)), sizes)
        labels = labels if order is None else labels[order]
        names = [f'class_{k}' for k in range(len(sizes))]
        super().__init__(PIPELINE, classes=names, labels=labels)

    def load(self, index):
        return dict(img=np.full((2, 2), index, np.uint8), label=self.labels[index])


def counts(dataset):
    return np.bincount(dataset.labels).tolist()


class Labelled(Dataset):
    """Labels alone."""

    def __init__(self, sizes):
        self.labels = np.repeat(np.arange(len(sizes)), sizes)


@pytest.mark.parametrize('size, classes, imbalance, expected', [
    # CIFAR-10-LT, as the field's own code has it
    (5000, 10, 100, [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]),
    (5000, 10, 50, [5000, 3237, 2096, 1357, 878, 568, 368, 238, 154, 100]),
    (5000, 10, 10, [5000, 3871, 2997, 2320, 1796, 1391, 1077, 834, 645, 500]),
    (10, 3, 1, [10, 10, 10]),
    (10, 3, 1000, [10, 1, 1]),
    (7, 1, 100, [7]),
])  # fmt: skip
def test_a_long_tail_has_the_published_profile(size, classes, imbalance, expected):
    assert counts(LongTail(Labelled([size] * classes), imbalance=imbalance)) == expected


def test_classes_without_enough_images_keep_all():
    found = LongTail(Levels([40, 2, 0, 30, 30]), imbalance=16)
    assert counts(found) == [40, 2, 0, 5, 2]  # of 40, 20, 10, 5, 2.5
    assert found.num_classes == 5


@pytest.mark.parametrize('imbalance, message', [
    (0.01, 'imbalance=0.01 is below 1; .* smallest, 100$'),
    (0, 'imbalance=0 is out of range'),
    ('100', "imbalance='100' is no number"),
])  # fmt: skip
def test_an_imbalance_below_one_is_an_error(imbalance, message):
    with pytest.raises(ValueError, match=message):
        LongTail(Levels([3, 3]), imbalance=imbalance)


def test_so_many_of_each_class_are_kept():
    found = PerClass(Levels([4, 9, 5]), count=4)
    assert counts(found) == [4, 4, 4]
    assert found.kept.tolist() == sorted({*found.kept})


def test_a_class_that_has_fewer_is_named():
    with pytest.raises(ValueError, match='count=5, but .* have: class_0 4, class_2 0'):
        PerClass(Levels([4, 9, 0]), count=5)


@pytest.mark.parametrize('count', [0, 1.5, True])
def test_a_count_that_is_none_is_an_error(count):
    with pytest.raises(ValueError, match='count='):
        PerClass(Levels([4, 9]), count=count)


@pytest.mark.parametrize('make', [
    lambda whole, **options: LongTail(whole, imbalance=4, **options),
    lambda whole, **options: PerClass(whole, count=3, **options),
])  # fmt: skip
def test_images_and_labels_stay_together_and_are_drawn_by_the_seed(make):
    order = np.random.default_rng(0).permutation(24)
    whole = Levels([8, 8, 8], order)
    found = make(whole)
    levels = [int(found[i]['image'].max()) for i in range(len(found))]
    assert levels == found.kept.tolist()
    assert [found[i]['label'] for i in range(len(found))] == found.labels.tolist()
    assert found.labels.tolist() == whole.labels[found.kept].tolist()
    assert found.classes == whole.classes
    assert found.metainfo == whole.metainfo
    assert make(whole).kept.tolist() == levels
    assert make(whole, seed=1).kept.tolist() != levels
    assert pickle.loads(pickle.dumps(found)).kept.tolist() == levels
    check_dataset(found, 3)


def test_fewer_of_each_are_a_part_of_more():
    few, more = (PerClass(Levels([9, 9]), count=count) for count in (3, 5))
    assert {*few.kept} < {*more.kept}


def test_a_negative_seed_and_a_data_set_without_labels_are_errors():
    with pytest.raises(ValueError, match='seed=-1'):
        PerClass(Levels([4, 9]), count=2, seed=-1)
    with pytest.raises(ValueError, match='PerClass: list has no labels'):
        PerClass([1, 2], count=2)


def digits(**options):
    pipeline = [dict(type='LoadImage'), dict(type='PackImage')]
    return dict(type='Digits', pipeline=pipeline, **options)


TAIL = dict(type='LongTail', dataset=digits(), imbalance=20)


@pytest.mark.parametrize('options', [
    {}, dict(resident=True), dict(class_balanced=True), dict(shuffle=False)
])  # fmt: skip
def test_batches_of_a_subset_come_by_config(options):
    built = loader.build_train_loader(dict(dataset=TAIL, **options), **PLAN)
    whole, part = Digits(pipeline=PIPELINE), LongTail(digits(), imbalance=20)
    known = {whole[i]['image'].numpy().tobytes() for i in part.kept.tolist()}
    assert counts(part)[0] > 20 * counts(part)[-1] > 0
    for batch in islice(iter(built), 5):
        assert {image.cpu().numpy().tobytes() for image in batch['image']} <= known


def test_balanced_batches_of_a_long_tail_have_every_class_equally_often():
    cfg = dict(dataset=TAIL, class_balanced=True)
    built = loader.build_train_loader(cfg, **{**PLAN, 'micro_batch': 10})
    for batch in islice(iter(built), 5):
        assert sorted(batch['label'].tolist()) == list(range(10))


def test_subsets_go_around_each_other_and_a_selection():
    selection = dict(type='InstanceSelection', dataset=TAIL, keep=0.5)
    nested = dict(type='PerClass', dataset=selection, count=3)
    assert unaltered(nested) == digits()
    assert unaltered(dict(nested, type=PerClass)) == digits()
    assert issubclass(InstanceSelection, Subset)
    found = PerClass(LongTail(Levels([40, 40]), imbalance=4), count=7)
    images = [int(found[i]['image'].max()) for i in range(14)]
    assert [level // 40 for level in images] == found.labels.tolist()


def test_a_wrong_name_inside_a_subset_is_named_by_its_key():
    config, _ = load_config('biggan_reacgan_digits.py')
    wrong = dict(type='LongTail', dataset=dict(type='Digit', pipeline=[]), imbalance=9)
    config.train_dataloader.dataset = wrong
    with pytest.raises(ValueError, match=r"dataset\.dataset.*'Digits'"):
        check_types(config)
    config.train_dataloader.dataset = dict(TAIL, imbalanced=9)
    with pytest.raises(ValueError, match=r"dataset\.imbalanced .* 'imbalance'"):
        check_types(config)


def test_kept_features_are_not_those_of_another_part():
    whole = Levels([8, 8])
    first, second = (PerClass(whole, count=4, seed=seed) for seed in (0, 1))
    assert fingerprint(first) == fingerprint(PerClass(whole, count=4))
    assert fingerprint(first) != fingerprint(second)
