import numpy as np
import pytest
import torch

from reacgan_plugin.data.checks import check_dataset, check_image_size, check_labels
from reacgan_plugin.data.dataset import SeededDataset


class Samples:
    """A data set of one sample, said to be of these classes and labels."""

    def __init__(self, sample=None, classes=('a', 'b'), labels=(0, 1)):
        self.sample = sample or sample_of()
        if classes is not None:
            self.classes = list(classes)
        if labels is not None:
            self.labels = np.asarray(labels)

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return self.sample


def sample_of(label=0, shape=(3, 8, 8), dtype=torch.uint8):
    return dict(image=torch.zeros(shape, dtype=dtype), label=label)


def test_a_fitting_data_set_passes():
    assert check_dataset(Samples(), 2) is None
    assert check_dataset(SeededDataset(Samples(), 0), 2) is None
    grey = sample_of(dtype=torch.float32, shape=(1, 4, 4))
    assert check_dataset(Samples(grey), 2) is None
    assert check_dataset(Samples(classes=None, labels=None), 2) is None


@pytest.mark.parametrize('classes', [['train'], ['photos'], ['train', 'val']])
def test_too_few_classes_point_at_a_folder_one_level_too_high(classes):
    """R4: before the first step, with what was found."""
    with pytest.raises(ValueError, match='one level too high') as error:
        check_dataset(Samples(classes=classes), 10)
    assert f'found {len(classes)} class' in str(error.value)
    assert classes[0] in str(error.value) and 'num_classes=10' in str(error.value)


def test_another_number_of_classes_is_named_without_guessing():
    with pytest.raises(ValueError, match=r'found 7 classes \(0, .*, 4, \.+\)') as error:
        check_dataset(Samples(classes='0123456'), 10)
    assert 'level' not in str(error.value)
    with pytest.raises(ValueError, match='found 2 classes .* num_classes=1'):
        check_dataset(Samples(), 1)


@pytest.mark.parametrize('labels, message', [
    ([1, 2], 'labels run from 1 to 2, but num_classes=2 allows 0..1'),
    ([-1, 0], 'labels run from -1 to 0'),
    ([0.0, 1.0], r'labels are float64 of shape \(2,\)'),
    ([[1, 0], [0, 1]], r'of shape \(2, 2\)'),
    ([[0], [1]], r'of shape \(2, 1\)'),
])  # fmt: skip
def test_bad_labels_are_named(labels, message):
    """R34: in the data, with the range that was found."""
    with pytest.raises(ValueError, match=message):
        check_labels(labels, 2)
    with pytest.raises(ValueError, match=message):
        check_dataset(Samples(labels=labels), 2)


@pytest.mark.parametrize('bad, message', [
    (sample_of(label=5), 'labels run from 5 to 5'),
    (sample_of(label=0.5), 'labels are float64'),
    (sample_of(dtype=torch.int64), 'uint8 or float, found torch.int64'),
    (sample_of(shape=(4, 8, 8)), r'\(1 or 3, H, W\)'),
    (sample_of(shape=(8, 8)), r'\(1 or 3, H, W\)'),
    (dict(image=np.zeros((3, 8, 8)), label=0), 'must be a tensor'),
    (dict(image=torch.zeros(3, 8, 8)), r"found \['image'\]; is dict\(type='PackImage'"),
    ((torch.zeros(3, 8, 8), 0), 'found tuple'),
])  # fmt: skip
def test_a_bad_sample_is_described(bad, message):
    """R35: samples without a label among them."""
    with pytest.raises(ValueError, match=message):
        check_dataset(Samples(bad), 2)


def test_an_empty_data_set_is_named():
    class Empty(Samples):
        def __len__(self):
            return 0

    with pytest.raises(ValueError, match='Empty has no images'):
        check_dataset(Empty(), 2)


def test_the_image_size_is_compared_with_the_networks():
    assert check_image_size(sample_of(shape=(3, 32, 32)), 32) is None
    assert check_image_size(sample_of(shape=(3, 32, 16)), (32, 16)) is None
    with pytest.raises(ValueError, match='28 x 28, but .* expect 32 x 32') as error:
        check_image_size(sample_of(shape=(3, 28, 28)), 32)
    assert "dict(type='Resize', scale=(32, 32)" in str(error.value)


@pytest.mark.parametrize('size', [None, 8])
@pytest.mark.parametrize('channels, others', [(1, 3), (3, 1)])
def test_channels_are_compared_with_the_networks(size, channels, others):
    sample = sample_of(shape=(channels, 8, 8))
    assert check_image_size(sample, size, channels=channels) is None
    message = rf'{channels} channel\(s\), .* expect {others}; .*channels={others}.* or'
    with pytest.raises(ValueError, match=message) as error:
        check_image_size(sample, size, channels=others)
    assert str(error.value).endswith(f'model.image_channels={channels}')
