"""Whatever is wrong with a file: an image of the right form, or its name."""

import resource
import time
from collections import Counter

import numpy as np
import pytest
import torch
from damaged_images import damaged_images

from reacgan_plugin.data.class_folder import ClassFolder
from reacgan_plugin.data.loading import BrokenImage, LoadImage, PackImage

MEGABYTE = 2**10  # of the unit that the system counts in
AMOUNTS = [
    pytest.param(50, id='50'),
    pytest.param(1000, id='1000', marks=pytest.mark.slow),
]
pytestmark = pytest.mark.filterwarnings('ignore')  # decoders warn of much


def checked(image: np.ndarray, channels: int) -> str:
    assert image.dtype == np.uint8
    assert image.ndim == (3 if channels == 3 else 2)
    assert image.size > 0
    assert image.shape[2:] == ((3,) if channels == 3 else ())
    return 'decoded'


def outcome(load, name: str, channels: int) -> str:
    try:
        return checked(load(), channels)
    except BrokenImage as error:
        assert name in str(error)
        assert '\n' not in str(error)
        return 'refused'


@pytest.mark.parametrize('count', AMOUNTS)
@pytest.mark.parametrize('channels', [1, 3])
def test_a_damaged_file_decodes_or_is_named(tmp_path, channels, count):
    transform = LoadImage(channels, max_pixels=10**6)
    outcomes, slowest = Counter(), 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, content in damaged_images(count):
        path = tmp_path / name
        path.write_bytes(content)
        results = dict(img_path=str(path))
        started = time.process_time()
        outcomes[outcome(lambda r=results: transform(r)['img'], name, channels)] += 1
        slowest = max(slowest, time.process_time() - started)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300 * MEGABYTE
    assert slowest < 5
    assert min(outcomes['decoded'], outcomes['refused']) > count / 10


@pytest.mark.parametrize('count', AMOUNTS)
def test_a_class_folder_names_every_damaged_file_that_it_cannot_give(tmp_path, count):
    """R37."""
    for name, content in damaged_images(count, seed=1):
        (tmp_path / 'cat').mkdir(exist_ok=True)
        (tmp_path / 'cat' / name).write_bytes(content)
    dataset = ClassFolder(tmp_path, pipeline=[LoadImage(), PackImage()])
    assert len(dataset) == count
    refused = 0
    for index in range(count):
        name = dataset.load(index)['img_path']
        try:
            item = dataset[index]
        except ValueError as error:
            assert name in str(error)
            refused += 1
        else:
            assert item['label'] == 0
            assert item['image'].dtype == torch.uint8
            assert item['image'].shape[0] == 3
            assert item['image'].numel() > 0
    assert count / 10 < refused < count
