import sys

import h5py
import numpy as np
import pytest
from tiny_data import PIPELINE, pixels, read_back

from reacgan_plugin.data.checks import check_dataset
from reacgan_plugin.data.hdf5 import HDF5Images
from reacgan_plugin.data.loading import LoadImage, PackImage

IMAGES = pixels(5)
CLASSES = [1, 0, 2, 1, 0]


def written(path, images=None, labels=CLASSES, **options):
    """As StudioGAN writes them: (n, 3, H, W), in chunks."""
    images = IMAGES.transpose(0, 3, 1, 2) if images is None else images
    with h5py.File(path, 'w') as file:
        file.create_dataset('imgs', data=images, **options)
        file.create_dataset('labels', data=labels)
    return path


def opened(path, **options):
    return HDF5Images(path, pipeline=PIPELINE, **options)


@pytest.mark.parametrize('options', [
    {}, dict(chunks=(2, 3, 6, 5)), dict(chunks=(2, 3, 6, 5), compression='lzf')
])  # fmt: skip
def test_images_and_labels_are_those_that_were_put_in(tmp_path, options):
    dataset = opened(written(tmp_path / 'a.hdf5', **options))
    assert np.array_equal(read_back(dataset), IMAGES)
    assert dataset.labels.tolist() == CLASSES
    assert dataset.classes == ['0', '1', '2']
    check_dataset(dataset, 3)


def test_grey_images_stay_grey(tmp_path):
    grey = IMAGES[..., :1].transpose(0, 3, 1, 2)
    path = written(tmp_path / 'a.hdf5', grey)
    assert np.array_equal(read_back(opened(path)), IMAGES[..., :1].repeat(3, axis=3))
    dataset = HDF5Images(path, pipeline=[LoadImage(channels=1), PackImage()])
    assert np.array_equal(read_back(dataset), IMAGES[..., :1])


def test_the_file_is_opened_by_the_one_who_reads_it(tmp_path):
    dataset = opened(written(tmp_path / 'a.hdf5'))
    assert dataset.handle is None
    dataset[0]
    handle = dataset.handle
    dataset[1]
    assert dataset.handle is handle


def test_names_of_classes_come_from_a_list_or_a_file(tmp_path):
    path = written(tmp_path / 'a.hdf5')
    assert opened(path, classes=['ant', 'bee', 'cat']).classes == ['ant', 'bee', 'cat']
    (tmp_path / 'names.txt').write_text('ant\nbee\n\ncat\n')
    named = opened(path, classes=str(tmp_path / 'names.txt'))
    assert named.classes == ['ant', 'bee', 'cat']


@pytest.mark.parametrize('images, labels, message', [
    (IMAGES, CLASSES, r'imgs is uint8 \(5, 6, 5, 3\); allowed: uint8 \(n, 1 or 3'),
    (np.zeros((5, 3, 4, 4)), CLASSES, 'imgs is float64'),
    (None, CLASSES[:3], r'labels is int64 \(3,\); allowed: integers \(5,\)'),
    (None, np.eye(5), r'labels is float64 \(5, 5\)'),
])  # fmt: skip
def test_other_layouts_are_named(tmp_path, images, labels, message):
    with pytest.raises(ValueError, match=f'a.hdf5.*{message}'):
        opened(written(tmp_path / 'a.hdf5', images, labels))


@pytest.mark.parametrize('labels', [[0, 1, -1, 0, 0], [0, 2**40, 0, 0, 0]])
def test_labels_that_no_class_can_have_are_named(tmp_path, labels):
    with pytest.raises(
        ValueError, match='a.hdf5.*labels run from .* allowed: 0 to 999'
    ):
        opened(written(tmp_path / 'a.hdf5', labels=labels))


def test_missing_data_sets_are_named_with_those_there(tmp_path):
    with h5py.File(tmp_path / 'a.hdf5', 'w') as file:
        file.create_dataset('images', data=IMAGES)
    with pytest.raises(ValueError, match='it lacks imgs and labels; found: images'):
        opened(tmp_path / 'a.hdf5')


@pytest.mark.parametrize('cut', [200, 1])
def test_a_truncated_file_is_named(tmp_path, cut):
    path = written(tmp_path / 'a.hdf5')
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ValueError, match="cannot read '.*a.hdf5'"):
        opened(path)


def test_a_damaged_file_is_one_named_error_wherever_it_is_damaged(tmp_path):
    path = written(tmp_path / 'a.hdf5', chunks=(2, 3, 6, 5), compression='gzip')
    whole = path.read_bytes()
    for place in np.random.default_rng(0).integers(len(whole), size=60):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        path.write_bytes(content)
        try:
            dataset = opened(path)
            read_back(dataset)
        except ValueError as error:
            assert 'a.hdf5' in str(error)


def test_without_the_package_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    path = written(tmp_path / 'a.hdf5')
    monkeypatch.setitem(sys.modules, 'h5py', None)
    with pytest.raises(ValueError, match=r"pip install 'reacgan_plugin\[data\]'"):
        opened(path)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="'/no/such.hdf5' is not a file"):
        opened('/no/such.hdf5')
