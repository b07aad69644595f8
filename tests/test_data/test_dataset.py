import random

import numpy as np
import pytest
import torch

from reacgan_plugin.data.dataset import (
    ImageDataset,
    SeededDataset,
    build_pipeline,
    seed_generators,
)
from reacgan_plugin.data.loading import PackImage


class Stripes(ImageDataset):
    """Image i is filled with i; labels alternate."""

    def __init__(self, size, pipeline):
        super().__init__(pipeline, classes=['even', 'odd'], labels=np.arange(size) % 2)
        self.loads = 0

    def load(self, index):
        self.loads += 1
        return dict(img=np.full((2, 3), index, np.uint8), label=self.labels[index])


class Drawing(torch.utils.data.Dataset):
    """What the three generators give after an index was asked for."""

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return random.random(), np.random.rand(), torch.rand(()).item()


def test_a_subclass_writes_only_load():
    stripes = Stripes(5, [PackImage()])
    assert len(stripes) == 5
    assert stripes.num_classes == 2
    assert stripes.classes == ['even', 'odd']
    assert stripes.metainfo == dict(classes=('even', 'odd'))
    assert stripes[3]['image'].unique().tolist() == [3]
    assert stripes[-1]['image'].unique().tolist() == [4]
    assert stripes[3]['label'] == 1


def test_labels_are_known_without_loading():
    stripes = Stripes(5, [PackImage()])
    assert stripes.labels.dtype == np.int64
    assert stripes.labels.tolist() == [0, 1, 0, 1, 0]
    assert stripes.loads == 0


@pytest.mark.parametrize('index', [5, -6])
def test_an_index_outside_is_an_index_error(index):
    with pytest.raises(IndexError, match=f'image {index} of 5'):
        Stripes(5, [PackImage()])[index]


def test_iterating_ends():
    assert len(list(Stripes(5, [PackImage()]))) == 5


def test_pipelines_take_configs_and_callables():
    transforms = build_pipeline([dict(type='RandomFlip', prob=0.5), str])
    assert type(transforms[0]).__name__ == 'RandomFlip'
    assert transforms[1] is str


def test_other_pipeline_entries_are_named():
    with pytest.raises(ValueError, match="pipeline entry 'PackImage' is neither"):
        build_pipeline(['PackImage'])


def test_a_transform_that_drops_an_image_is_named():
    with pytest.raises(ValueError, match='gave None for image 2'):
        Stripes(5, [lambda results: None])[2]


def test_what_mmcv_does_not_implement_is_a_value_error():
    resize = dict(type='RandomResize', scale=(0.5, 1.5), ratio_range=(1.0, 2.0))
    with pytest.raises(ValueError, match='RandomResize.*Do not support sampling'):
        Stripes(5, [resize])[0]


def test_draws_depend_on_seed_and_position_alone():
    first = SeededDataset(Drawing(), seed=1)
    draws = [first[0, position] for position in range(50)]
    assert [first[9, position] for position in reversed(range(50))] == draws[::-1]
    assert SeededDataset(Drawing(), seed=2)[0, 0] != draws[0]
    for one_generator in zip(*draws, strict=True):
        assert len(set(one_generator)) == 50


def test_neighbouring_positions_are_not_alike():
    flips = []
    for position in range(4000):
        seed_generators(0, position)
        draws = random.random(), np.random.rand(), torch.rand(()).item()
        flips.append([draw < 0.5 for draw in draws])
    correlation = np.corrcoef(np.array(flips, dtype=float), rowvar=False)
    assert np.abs(np.mean(flips, axis=0) - 0.5).max() < 0.04
    assert np.abs(correlation - np.eye(3)).max() < 0.08
    one = np.array(flips, dtype=float)[:, 1]
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 0.08


def test_a_plain_index_is_not_seeded():
    dataset = SeededDataset(Drawing(), seed=1)
    assert dataset[0] != dataset[0]
    assert len(dataset) == 10
