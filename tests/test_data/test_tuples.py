"""Transforms of mmcv's out of a config that JSON kept, which knows no tuples."""

import json

import numpy as np
import pytest
from mmengine.config import Config

from reacgan_plugin.data.dataset import build_pipeline
from reacgan_plugin.data.tuples import with_tuples
from reacgan_plugin.registry import TRANSFORMS

IMAGE = np.random.default_rng(0).integers(0, 255, (50, 40, 3), dtype=np.uint8)
RESIZE = dict(type='Resize', scale=(32, 32), backend='pillow')
CROP = dict(type='CenterCrop', crop_size=(32, 32))


@TRANSFORMS.register_module(force=True)
class KeepsItsList:
    def __init__(self, sizes):
        self.sizes = sizes


def drawn(entry, seed: int) -> np.ndarray:
    np.random.seed(seed)
    (transform,) = build_pipeline([entry])
    return transform(dict(img=IMAGE.copy(), img_shape=IMAGE.shape[:2]))['img']


@pytest.mark.parametrize(
    'entry',
    [
        RESIZE,
        CROP,
        dict(type='Resize', scale_factor=(0.5, 0.5), backend='pillow'),
        dict(type='Pad', size=(60, 60)),
        dict(type='Pad', size_divisor=32, pad_val=dict(img=(1, 2, 3))),
        dict(type='CenterCrop', crop_size=(64, 64), auto_pad=True),
        dict(type='Normalize', mean=(1.0, 2.0, 3.0), std=(2.0, 2.0, 2.0)),
        dict(type='RandomChoiceResize', scales=[(32, 32), (16, 20)]),
        dict(type='RandomResize', scale=(32, 32), ratio_range=(1.0, 2.0)),
        dict(type='RandomResize', scale=[(32, 32), (40, 40)]),
        dict(type='RandomFlip', prob=[0.3, 0.3], direction=['horizontal', 'vertical']),
        dict(type='RandomApply', transforms=[CROP], prob=1.0),
        dict(type='RandomChoice', transforms=[[RESIZE], [CROP, RESIZE]]),
    ],
    ids=lambda entry: entry['type'],
)
def test_a_transform_of_mmcvs_does_the_same_after_json_kept_its_config(entry):
    kept = Config(dict(entry=json.loads(json.dumps(entry)))).entry
    for seed in range(4):
        assert np.array_equal(drawn(kept, seed), drawn(entry, seed))


def test_lists_that_are_choices_stay_lists():
    scales = dict(type='RandomChoiceResize', scales=[[32, 32], [40, 40]])
    assert with_tuples(scales)['scales'] == [(32, 32), (40, 40)]
    scales = dict(type='RandomChoiceResize', scales=[32, 40])
    assert with_tuples(scales)['scales'] == [32, 40]
    assert with_tuples(dict(type='RandomFlip', prob=[0.1, 0.2]))['prob'] == [0.1, 0.2]


def test_transforms_of_others_get_what_the_config_says():
    inner = dict(type='KeepsItsList', sizes=[1, 2])
    (transform,) = build_pipeline([inner])
    assert transform.sizes == [1, 2]
    (outer,) = build_pipeline([dict(type='Compose', transforms=[inner])])
    assert outer.transforms[0].sizes == [1, 2]
