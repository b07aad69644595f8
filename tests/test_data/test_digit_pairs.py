import numpy as np
import pytest

from reacgan_plugin.config import configs_folder
from reacgan_plugin.data.checks import check_dataset
from reacgan_plugin.data.digit_pairs import DigitPairs
from reacgan_plugin.data.digits import load_digit_images
from reacgan_plugin.data.loading import PackImage


def pairs(split, **options):
    return DigitPairs(split, pipeline=[PackImage()], **{'per_class': 4, **options})


def halves(dataset):
    """Every single digit that occurs, as bytes."""
    return {bytes(dataset.digits[row, :, :, 0]) for row in np.unique(dataset.pairs)}


def test_the_class_is_the_digit_on_the_left_and_the_one_on_the_right():
    dataset = pairs('train')
    images, digit = load_digit_images('train')
    left, right = dataset.pairs.T
    assert np.array_equal(10 * digit[left] + digit[right], dataset.labels)
    item = dataset[4 * 37]
    assert (item['label'], dataset.classes[37]) == (37, '37')
    shown = item['image'][0].numpy()
    assert item['image'].shape == (3, 8, 16)
    assert np.array_equal(shown[:, :8], images[left[4 * 37]])
    assert np.array_equal(shown[:, 8:], images[right[4 * 37]])


def test_all_hundred_classes_have_equally_many_pairs_and_none_twice():
    dataset = pairs('train', per_class=50)
    check_dataset(dataset, 100)
    assert np.bincount(dataset.labels).tolist() == [50] * 100
    assert len(np.unique(dataset.pairs, axis=0)) == len(dataset) == 5000


def test_pairs_of_the_test_split_are_of_unseen_digits():
    train, test = pairs('train', per_class=300), pairs('test', per_class=300)
    assert len(halves(train)) == 1347
    assert not halves(train) & halves(test)


def test_the_pairs_are_fixed_by_their_seed():
    assert np.array_equal(pairs('test').pairs, pairs('test').pairs)
    assert not np.array_equal(pairs('test').pairs, pairs('test', seed=1).pairs)


def test_more_pairs_than_there_are_or_another_split_are_refused():
    fewest = np.bincount(load_digit_images('test')[1]).min() ** 2
    assert len(pairs('test', per_class=int(fewest))) == 100 * fewest
    with pytest.raises(ValueError, match=f'per_class={fewest + 1} is out of range'):
        pairs('test', per_class=int(fewest) + 1)
    with pytest.raises(ValueError, match="split='tests'.*did you mean 'test'"):
        pairs('tests')


def test_the_config_shows_them_at_32_by_32():
    from mmengine.config import Config

    path = configs_folder() / '_base_' / 'datasets' / 'digit_pairs_32.py'
    config = Config.fromfile(path)
    for entry in (config.train_dataloader.dataset, config.held_out):
        options = {k: v for k, v in entry.items() if k != 'type'}
        assert entry.type == DigitPairs.__name__
        assert DigitPairs(**options)[0]['image'].shape == (3, 32, 32)
