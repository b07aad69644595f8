import numpy as np
import pytest

from reacgan_plugin.data.digits import Digits, load_digit_images
from reacgan_plugin.data.loading import PackImage


def digits(split, **options):
    return Digits(split, pipeline=[PackImage()], **options)


def test_the_splits_are_disjoint_and_together_everything():
    train, test, everything = (digits(split) for split in ('train', 'test', 'all'))
    assert (len(train), len(test), len(everything)) == (1347, 450, 1797)
    images = [part.images.reshape(len(part), -1) for part in (train, test, everything)]
    parts = np.concatenate(images[:2])
    assert sorted(map(bytes, parts)) == sorted(map(bytes, images[2]))


def test_every_class_is_held_out_alike():
    shares = np.bincount(digits('test').labels) / np.bincount(digits('all').labels)
    assert np.abs(shares - 0.25).max() < 0.01


def test_the_split_is_fixed_by_its_seed():
    assert np.array_equal(digits('test').images, digits('test').images)
    assert not np.array_equal(digits('test').labels, digits('test', seed=1).labels)
    assert len(digits('test', held_out=0.5)) == 899


def test_levels_are_stretched_to_bytes():
    images, labels = load_digit_images('all')
    assert images.dtype == np.uint8
    assert images[0, 0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]  # 0 0 5 13 9 1 0 0
    assert images.max() == 255
    assert labels[:4].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize('channels', [1, 3])
def test_images_have_the_channels_asked_for(channels):
    everything = digits('all', channels=channels)
    assert everything[0]['image'].shape == (channels, 8, 8)
    assert everything[0]['image'][:, 0, 3].tolist() == [207] * channels
    assert everything[1]['label'] == 1
    assert everything.classes == list('0123456789')


def test_bad_options_say_what_is_allowed():
    with pytest.raises(ValueError, match="split='tran'.*did you mean 'train'"):
        digits('tran')
    with pytest.raises(ValueError, match='channels=2'):
        digits('train', channels=2)
