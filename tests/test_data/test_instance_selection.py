import pickle
import random
from itertools import islice

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.covariance import LedoitWolf
from torch import nn
from torch.utils.data import Dataset

from reacgan_plugin import distributed
from reacgan_plugin.data import instance_selection
from reacgan_plugin.data.checks import check_dataset
from reacgan_plugin.data.dataset import ImageDataset
from reacgan_plugin.data.instance_selection import (
    InstanceSelection,
    image_features,
    most_likely,
    shrunk_covariance,
    squared_distances,
)
from reacgan_plugin.data.loader import build_train_loader
from reacgan_plugin.data.loading import PackImage

CLASSES = ['cat', 'dog', 'owl']
LABELS = np.repeat([0, 1, 2], [11, 6, 3])
PLAN = dict(seed=4, micro_batch=3, micro_batches_per_iteration=2, rank=0, world_size=1)


def rows(count=40, width=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(width, width, generator=generator, dtype=torch.float64)
    return torch.randn(count, width, generator=generator, dtype=torch.float64) @ mixing


@pytest.mark.parametrize('count, width', [(40, 5), (6, 30), (3, 1), (200, 200)])
def test_the_covariance_is_ledoits_and_wolfs(count, width):
    x = rows(count, width)
    expected = torch.tensor(LedoitWolf().fit(x.numpy()).covariance_)
    found = shrunk_covariance(x - x.mean(0))
    torch.testing.assert_close(found, expected.reshape(width, width))


@pytest.mark.parametrize('count, width', [(40, 5), (6, 30)])
def test_distances_fall_as_the_likelihood_grows(count, width):
    x = rows(count, width)
    fitted = LedoitWolf().fit(x.numpy())
    density = multivariate_normal(fitted.location_, fitted.covariance_)
    found = squared_distances(x.float()).numpy()
    constant = width * np.log(2 * np.pi) + np.linalg.slogdet(fitted.covariance_)[1]
    assert -2 * density.logpdf(x.numpy()) - constant == pytest.approx(found, rel=1e-3)


@pytest.mark.parametrize(
    'x',
    [
        torch.zeros(4, 3),
        torch.ones(1, 3),
        torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]),
        torch.tensor([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]),
        torch.tensor([[1.0], [2.0], [2.0]]),
        1e-8 * torch.eye(3),
    ],
)
def test_copies_few_images_and_dead_features_have_finite_distances(x):
    found = squared_distances(x)
    assert found.isfinite().all()
    assert found.dtype == torch.float64
    if len(x) == 2:
        assert found[0] == pytest.approx(found[1])


@pytest.mark.parametrize('keep', [0.1, 0.5, 0.55, 1.0])
def test_each_class_keeps_its_share_rounded_up(keep):
    kept = most_likely(rows(20), LABELS, keep)
    exact = {0.1: (2, 1, 1), 0.5: (6, 3, 2), 0.55: (7, 4, 2), 1.0: (11, 6, 3)}
    assert tuple(np.bincount(LABELS[kept])) == exact[keep]
    assert kept.tolist() == sorted({*kept.tolist()})


def test_what_is_far_off_in_its_own_class_is_left_out():
    x = rows(20) + 50 * torch.tensor(LABELS)[:, None]
    odd = [2, 13, 18]
    x[odd] = x[[13, 18, 2]]  # each looks like one of the next class
    kept = most_likely(x, LABELS, 0.6)
    assert not {*odd} & {*kept.tolist()}
    assert kept.tolist() == most_likely(x, LABELS, 0.6).tolist()


def test_without_classes_the_share_is_of_all_images():
    x = rows(20)
    x[LABELS == 2] += 40  # a small class that is unlike the others
    kept = most_likely(x, LABELS, 0.55, per_class=False)
    assert len(kept) == 11
    assert not (LABELS[kept] == 2).any()
    nearest = squared_distances(x).argsort()[:11].sort().values
    assert kept.tolist() == nearest.tolist()


class Colours(ImageDataset):
    """Images of about their class's grey level, but for some that are of another."""

    odd = (3, 12, 19)

    def __init__(self, *transforms, labels=LABELS):
        super().__init__([*transforms, PackImage()], classes=CLASSES, labels=labels)
        generator = np.random.default_rng(0)
        levels = 40 + 60 * self.labels
        for index in self.odd:
            levels[index] = 250
        noise = generator.integers(0, 20, (len(labels), 6, 6, 3))
        self.images = (levels[:, None, None, None] + noise).clip(0, 255)
        self.images = self.images.astype(np.uint8)
        self.loads = []

    def load(self, index):
        self.loads.append(index)
        return dict(img=self.images[index], label=int(self.labels[index]))


class Means(nn.Module):
    """Features: the mean of each colour; keeps what it saw."""

    out_channels = 3

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))
        self.seen = []

    def forward(self, image):
        assert not self.training
        self.seen.append(image)
        return self.gain * image.mean((2, 3))


def selected(dataset=None, **options):
    settings = dict(keep=0.7, features=Means(), batch_size=8)
    return InstanceSelection(dataset or Colours(), **{**settings, **options})


def test_odd_images_go_and_items_stay_what_they_were():
    whole = Colours()
    found = selected(whole)
    assert len(found) == 8 + 5 + 3  # of 11, 6 and 3
    assert not {3, 12} & {*found.kept.tolist()}
    assert found.labels.tolist() == whole.labels[found.kept].tolist()
    for place, index in enumerate(found.kept):
        assert torch.equal(found[place]['image'], whole[int(index)]['image'])
        assert found[place]['label'] == whole[int(index)]['label']
    assert torch.equal(found[-1]['image'], found[len(found) - 1]['image'])
    with pytest.raises(IndexError):
        found[len(found)]


def test_names_of_classes_pass_through():
    found = selected()
    assert found.classes == CLASSES
    assert found.num_classes == 3
    assert found.metainfo == dict(classes=tuple(CLASSES))
    check_dataset(found, 3)


def test_the_network_sees_every_image_once_as_training_would():
    whole, network = Colours(), Means()
    selected(whole, features=network)
    assert whole.loads == list(range(20))
    seen = torch.cat(network.seen)
    expected = torch.stack([whole[i]['image'] for i in range(20)]) / 127.5 - 1
    torch.testing.assert_close(seen, expected)
    assert [len(batch) for batch in network.seen] == [8, 8, 4]


def drawn():
    return random.random(), np.random.rand(), torch.rand(3).tolist()


def test_random_draws_of_the_pipeline_are_the_same_in_every_run_and_cost_nothing():
    flip = dict(type='RandomFlip', prob=0.5)
    networks = [Means(), Means()]
    for network in networks:
        drawn()
        random.seed(5), np.random.seed(5), torch.manual_seed(5)
        selected(Colours(flip), features=network)
        after = drawn()
        random.seed(5), np.random.seed(5), torch.manual_seed(5)
        assert after == drawn()
    assert torch.equal(*(torch.cat(network.seen) for network in networks))


def test_workers_change_nothing():
    kept = [selected(num_workers=workers).kept.tolist() for workers in (0, 2)]
    assert kept[0] == kept[1]


def test_the_log_says_how_many_of_each_class_are_left(monkeypatch):
    lines = []
    monkeypatch.setattr(
        instance_selection, 'print_log', lambda line, logger: lines.append(line)
    )
    selected()
    assert lines == [
        'InstanceSelection keeps 16 of 20 images: cat 8 of 11, dog 5 of 6, owl 3 of 3'
    ]


def test_it_travels_to_workers_without_its_network():
    whole = Colours()
    found = pickle.loads(pickle.dumps(selected(whole)))
    assert found.kept.tolist() == selected(whole).kept.tolist()
    assert len(pickle.dumps(found)) < len(pickle.dumps(whole)) + 1000


@pytest.mark.parametrize('options', [dict(), dict(num_workers=1), dict(resident=True)])
def test_the_training_loader_reads_what_is_left(options):
    found = selected()
    loader = build_train_loader(dict(dataset=found, **options), **PLAN)
    left = {found[i]['image'].numpy().tobytes() for i in range(len(found))}
    seen = [image for batch in islice(loader, 6) for image in batch['image']]
    assert {image.numpy().tobytes() for image in seen} == left


def test_configs_of_data_set_and_network_will_do():
    digits = dict(type='Digits', split='test', pipeline=[PackImage()])
    network = dict(type='TimmDiscriminator', name='test_resnet', resize=32)
    kept = [
        InstanceSelection(digits, keep=0.1, features=network).kept.tolist()
        for _ in range(2)
    ]
    assert len(kept[0]) == 50
    assert kept[0] == kept[1]  # also of a network with random weights


def test_by_default_a_pretrained_network_looks_at_them():
    class Few(Colours):
        odd = (3,)

    whole = Few(labels=np.repeat([0, 1], [5, 3]))
    found = InstanceSelection(whole, keep=0.8)
    assert 3 not in found.kept
    assert len(found) == 4 + 3


@pytest.mark.parametrize('rank', [0, 1, 2])
def test_processes_share_the_images_out(rank, monkeypatch):
    whole = image_features(Colours(), Means(), batch_size=4)
    expected = np.array_split(np.arange(20), 3)
    gathered = []

    def gather(own, group, *, uneven):
        assert uneven and len(own) == len(expected[rank])
        gathered.append(own)
        return whole

    monkeypatch.setattr(distributed, 'world_size', lambda: 3)
    monkeypatch.setattr(distributed, 'rank', lambda: rank)
    monkeypatch.setattr(distributed, 'default_group', lambda: 'everybody')
    monkeypatch.setattr(distributed, 'gather_rows', gather)
    found = image_features(Colours(), Means(), batch_size=4)
    assert torch.equal(found, whole)
    torch.testing.assert_close(gathered[0], whole[expected[rank]])


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(keep=0), 'keep=0 is out of range'),
        (dict(keep=1.1), r'keep=1\.1 is out of range'),
        (dict(batch_size=0), 'batch_size=0'),
        (dict(features=dict(type='Timm')), "type='Timm' is not registered"),
        (dict(features=nn.Identity()), r'Identity have shape \(20, 3, 6, 6\)'),
    ],
)
def test_settings_that_are_not_allowed_raise(options, message):
    with pytest.raises(ValueError, match=message):
        selected(**options)


def test_features_that_are_no_numbers_raise():
    network = Means()
    network.gain.data.fill_(float('nan'))
    with pytest.raises(ValueError, match='Means .*finite rows'):
        selected(features=network)


def test_a_data_set_without_labels_raises():
    class Unlabelled(Dataset):
        pass

    with pytest.raises(ValueError, match='Unlabelled has no labels'):
        selected(Unlabelled())
