import numpy as np
import pytest
import torch
from evaluation_parts import random_images, write_images
from PIL import Image

from reacgan_plugin.data import Digits, InstanceSelection
from reacgan_plugin.data.dataset import NamedClasses
from reacgan_plugin.evaluation.folders import ImageFolder
from reacgan_plugin.evaluation.reals import (
    DatasetImages,
    dataset_name,
    images_and_labels,
    unaltered,
)

PACK = [dict(type='LoadImage'), dict(type='PackImage')]


def parts(*lists):
    return [np.array(part) for part in lists]


def test_images_come_as_they_are_in_the_order_asked_for(tmp_path):
    images = random_images(7)
    source = DatasetImages(ImageFolder(write_images(tmp_path, images)))
    found = list(source.batches(parts([0, 1, 2], [6, 3])))
    assert torch.equal(found[0], images[:3])
    assert torch.equal(found[1], images[[6, 3]])
    assert found[0].dtype == torch.uint8
    assert source.labels is None and len(source) == 7


def test_workers_change_nothing(tmp_path):
    folder = write_images(tmp_path, random_images(5))
    alone, helped = (
        list(DatasetImages(ImageFolder(folder), num_workers=n).batches(parts([0, 4])))
        for n in (0, 1)
    )
    assert torch.equal(alone[0], helped[0])


def test_grey_images_get_three_channels():
    source = DatasetImages(Digits('test', pipeline=PACK, channels=1))
    (image,) = source.batches(parts([0, 1]))
    assert image.shape == (2, 3, 8, 8)
    assert torch.equal(image[:, 0], image[:, 2])


def test_class_folders_are_classes(tmp_path):
    folder = ImageFolder(write_images(tmp_path, random_images(6), classes=3))
    assert folder.classes == ['class_0', 'class_1', 'class_2']
    assert folder.labels.tolist() == [0, 0, 1, 1, 2, 2]
    source = DatasetImages(folder)
    assert source.labels.tolist() == folder.labels.tolist()


def test_one_image_beside_the_class_folders_and_there_are_no_classes(tmp_path):
    write_images(tmp_path, random_images(4), classes=2)
    write_images(tmp_path, random_images(1))
    folder = ImageFolder(tmp_path)
    assert (len(folder), folder.classes, folder.labels) == (5, [], None)


def test_images_of_a_folder_are_brought_to_a_size(tmp_path):
    picture = np.zeros((10, 20, 3), np.uint8)
    picture[:, 5:15] = [200, 10, 30]  # the largest centred square
    Image.fromarray(picture).save(tmp_path / 'a.png')
    square = ImageFolder(tmp_path, size=(6, 6))[0]['image']
    expected = torch.tensor([200, 10, 30], dtype=torch.uint8)[:, None, None]
    assert torch.equal(square, expected.expand(3, 6, 6))
    assert ImageFolder(tmp_path, size=(5, 10))[0]['image'].shape == (3, 5, 10)


def test_several_sizes_and_broken_files_are_one_line(tmp_path):
    write_images(tmp_path, random_images(2))
    write_images(tmp_path / 'more', random_images(1, side=9))
    for workers in (0, 1):
        source = DatasetImages(ImageFolder(tmp_path), num_workers=workers)
        with pytest.raises(ValueError) as caught:
            list(source.batches(parts([0, 1, 2])))
        assert 'several sizes, such as (8, 8) and (9, 9)' in str(caught.value)
        assert '\n' not in str(caught.value)
    (tmp_path / '0000.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match='cannot read the image .*0000.png'):
        list(DatasetImages(ImageFolder(tmp_path)).batches(parts([0])))


@pytest.mark.parametrize('make, message', [
    (lambda folder: folder / 'nowhere', 'is not a folder'),
    (lambda folder: folder, 'holds no image'),
])  # fmt: skip
def test_folders_without_images_are_named(tmp_path, make, message):
    with pytest.raises(ValueError, match=message):
        ImageFolder(make(tmp_path))


def test_random_transforms_and_a_selection_are_left_out_of_a_training_set():
    flip = dict(type='RandomFlip', prob=0.5)
    digits = dict(type='Digits', split='train', pipeline=[PACK[0], flip, PACK[1]])
    found = unaltered(dict(type='InstanceSelection', keep=0.5, dataset=digits))
    assert found == dict(type='Digits', split='train', pipeline=PACK)
    assert digits['pipeline'][1] == flip  # the config itself stays


class Around(NamedClasses):
    """A data set around another, of which it leaves out nothing."""

    def __init__(self, dataset):
        self.dataset = dataset


def test_what_is_left_out_of_a_training_set_may_stand_further_inside():
    flip = dict(type='RandomFlip', prob=0.5)
    digits = dict(type='Digits', split='train', pipeline=[PACK[0], flip, PACK[1]])
    selection = dict(type=InstanceSelection, keep=0.5, dataset=digits)
    found = unaltered(dict(type=Around, dataset=selection))
    plain = dict(type='Digits', split='train', pipeline=PACK)
    assert found == dict(type=Around, dataset=plain)


@pytest.mark.parametrize('dataset, name', [
    (dict(type='Digits', split='test', pipeline=[]), 'Digits test'),
    (dict(type='Digits', pipeline=[]), 'Digits train'),
    (dict(type='ClassFolder', data_root='data/birds'), 'ClassFolder data/birds'),
    (dict(type=Digits, split='all'), 'Digits all'),
    (Digits('test', pipeline=PACK), 'Digits'),
])  # fmt: skip
def test_a_data_set_is_called_by_type_and_split(dataset, name):
    assert dataset_name(dataset) == name


def test_images_and_labels_of_a_config():
    config = dict(type='Digits', split='test', pipeline=PACK)
    images, labels = images_and_labels(config)
    assert images.shape == (450, 8, 8, 3) and images.dtype == np.uint8
    assert labels.shape == (450,)
