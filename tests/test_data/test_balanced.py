from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from tiny_runs import arguments

from reacgan_plugin.data.balanced import balanced_order
from reacgan_plugin.data.dataset import ImageDataset
from reacgan_plugin.data.loader import build_train_loader
from reacgan_plugin.data.loading import PackImage
from reacgan_plugin.data.sampler import GlobalBatchSampler
from reacgan_plugin.train import run

LABELS = np.repeat([0, 1, 2, 4], [20, 5, 1, 4])  # nothing of class 3
PLAN = dict(seed=4, micro_batch=4, micro_batches_per_iteration=2, rank=0, world_size=1)


def order(labels=LABELS, seed=0):
    return balanced_order(np.asarray(labels), np.random.default_rng(seed))


@pytest.mark.parametrize('seed', range(5))
def test_every_round_has_each_class_once(seed):
    classes = LABELS[order(seed=seed)]
    assert len(classes) == 30
    for start in range(0, 28, 4):
        assert sorted(classes[start : start + 4]) == [0, 1, 2, 4]
    assert len({*classes[28:]}) == 2


@pytest.mark.parametrize('seed', range(5))
def test_images_of_a_class_come_equally_often_up_to_one(seed):
    found = order(seed=seed)
    for name in (0, 1, 2, 4):
        counts = Counter(found[LABELS[found] == name].tolist())
        counts = [counts[image] for image in np.flatnonzero(LABELS == name)]
        assert max(counts) - min(counts) <= 1
        assert sum(counts) in (7, 8)


def test_no_image_comes_again_before_all_others_of_its_class():
    found = order(seed=1)
    rows = found[LABELS[found] == 1][:5]
    assert sorted(rows) == np.flatnonzero(LABELS == 1).tolist()


def test_in_the_long_run_every_image_of_a_large_class_is_seen_and_classes_are_equal():
    found = np.concatenate([order(seed=seed) for seed in range(200)])
    counts = np.bincount(found, minlength=30)
    shares = np.bincount(LABELS[found], minlength=5) / len(found)
    assert counts.min() > 0
    assert shares == pytest.approx([0.25, 0.25, 0.25, 0, 0.25], abs=0.01)
    large = counts[:20] / counts[:20].mean()
    assert 0.6 < large.min() < large.max() < 1.4


def test_the_order_of_classes_and_of_images_is_random_and_seeded():
    assert order(seed=3).tolist() == order(seed=3).tolist() != order(seed=4).tolist()
    firsts = {LABELS[order(seed=seed)[0]] for seed in range(40)}
    assert firsts == {0, 1, 2, 4}


@pytest.mark.parametrize('labels', [[7], [3, 1], [5, 5, 5], range(9)])
def test_a_class_of_one_image_and_a_single_class_do_too(labels):
    found = order(labels)
    assert sorted(found) == list(range(len(labels)))


def sampler(**options):
    settings = dict(seed=3, micro_batch=4, labels=LABELS)
    return GlobalBatchSampler(30, **{**settings, **options})


def take(stream, count):
    return list(islice(stream, count))


def test_a_stream_balanced_by_class_is_shared_out_and_found_again_like_any():
    whole = take(sampler(micro_batch=8), 96)
    assert [position for _, position in whole] == list(range(96))
    ranks = [take(sampler(rank=rank, world_size=2), 48) for rank in (0, 1)]
    for batch in range(12):
        own = slice(4 * batch, 4 * batch + 4)
        assert ranks[0][own] + ranks[1][own] == whole[8 * batch : 8 * batch + 8]
    assert take(sampler(start=7), 20) == take(sampler(), 48)[28:]


def test_epochs_differ():
    indices = [index for index, _ in take(sampler(), 60)]
    assert indices[:30] != indices[30:]


class Uneven(ImageDataset):
    """Thirty images, most of one class."""

    def __init__(self):
        super().__init__([PackImage()], classes=list('abcde'), labels=LABELS)
        self.images = np.arange(30 * 48, dtype=np.uint8).reshape(30, 4, 4, 3)

    def load(self, index):
        return dict(img=self.images[index], label=self.labels[index])


@pytest.mark.parametrize('resident', [None, True])
def test_batches_of_a_balanced_loader_have_every_class_equally_often(resident):
    cfg = dict(dataset=Uneven(), class_balanced=True, resident=resident)
    loader = build_train_loader(cfg, **PLAN)
    for batch in take(loader, 3):
        assert torch.bincount(batch['label'], minlength=5).tolist() == [2, 2, 2, 0, 2]


def test_without_the_option_the_stream_is_what_it_was():
    streams = [
        take(build_train_loader(dict(dataset=Uneven(), **cfg), **PLAN).sampler, 60)
        for cfg in ({}, dict(class_balanced=False))
    ]
    assert streams[0] == streams[1]
    plain = GlobalBatchSampler(30, seed=4, micro_batch=4)
    assert streams[0] == take(plain, 60)


def test_a_data_set_without_labels_raises():
    class Unlabelled(torch.utils.data.Dataset):
        def __len__(self):
            return 3

    cfg = dict(dataset=Unlabelled(), class_balanced=True)
    with pytest.raises(ValueError, match='class_balanced: Unlabelled has no labels'):
        build_train_loader(cfg, **PLAN)


def test_images_in_order_cannot_be_balanced():
    cfg = dict(dataset=Uneven(), class_balanced=True, shuffle=False)
    with pytest.raises(ValueError, match='shuffle=False, but.*allowed: shuffle=True'):
        build_train_loader(cfg, **PLAN)


def test_as_many_labels_as_images_are_needed():
    with pytest.raises(ValueError, match='3 labels for 30 images'):
        sampler(labels=[0, 1, 2])


def test_a_run_takes_the_option(tmp_path):
    words = arguments(
        tmp_path, train_dataloader__class_balanced=True, train_cfg__max_iters=1
    )
    assert run(words) == 0
