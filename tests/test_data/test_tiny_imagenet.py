import numpy as np
import pytest
from tiny_data import PIPELINE, pixels, put, read_back

from reacgan_plugin.data.checks import check_dataset
from reacgan_plugin.data.class_folder import ClassFolder
from reacgan_plugin.data.tiny_imagenet import TinyImageNet

IDS = ['n02', 'n01', 'n03']  # as listed, which is not their order
WORDS = 'n00\tthing\nn01\tgoldfish, Carassius\nn02\tcrane\nn03\tcrane, machine\n'
TRAIN, VAL = pixels(6), pixels(4, seed=1)
VAL_IDS = ['n03', 'n01', 'n03', 'n02']


@pytest.fixture
def root(tmp_path):
    root = tmp_path / 'tiny-imagenet-200'
    for row, image in enumerate(TRAIN):
        name = sorted(IDS)[row // 2]
        put(root / 'train' / name / 'images' / f'{name}_{row}.JPEG', image)
        (root / 'train' / name / f'{name}_boxes.txt').write_text('x\t0\t0\t62\t62\n')
    for row, image in enumerate(VAL):
        put(root / 'val' / 'images' / f'val_{row}.JPEG', image)
    lines = [
        f'val_{row}.JPEG\t{name}\t0\t0\t62\t62' for row, name in enumerate(VAL_IDS)
    ]
    (root / 'val' / 'val_annotations.txt').write_text('\n'.join(lines) + '\n')
    (root / 'wnids.txt').write_text('\n'.join(IDS) + '\n')
    (root / 'words.txt').write_text(WORDS)
    return root


def opened(root, **options):
    return TinyImageNet(root, pipeline=PIPELINE, **options)


def test_training_images_come_in_sorted_classes(root):
    dataset = opened(root)
    assert np.array_equal(read_back(dataset), TRAIN)
    assert dataset.labels.tolist() == [0, 0, 1, 1, 2, 2]
    check_dataset(dataset, 3)


def test_labels_are_those_of_class_folders(root):
    folders = ClassFolder(root / 'train', pipeline=PIPELINE)
    assert folders.labels.tolist() == opened(root).labels.tolist()
    assert np.array_equal(read_back(folders), TRAIN)


def test_validation_images_have_the_labels_of_the_list(root):
    dataset = opened(root, split='val')
    assert np.array_equal(read_back(dataset), VAL)
    assert dataset.labels.tolist() == [2, 0, 2, 1]


def test_classes_are_words_and_no_two_are_alike(root):
    assert opened(root).classes == ['goldfish', 'crane (n02)', 'crane (n03)']


def test_the_folder_above_does_as_well(root):
    assert len(opened(root.parent)) == 6


@pytest.mark.parametrize('file', ['wnids.txt', 'words.txt', 'val/val_annotations.txt'])
def test_a_missing_list_is_named(root, file):
    (root / file).unlink()
    with pytest.raises(ValueError, match=f"cannot read '.*{file}': No such file"):
        opened(root, split='val')


def test_a_class_without_images_is_named(root):
    for file in (root / 'train' / 'n02' / 'images').iterdir():
        file.unlink()
    with pytest.raises(ValueError, match='n02/images.* holds no image of class n02'):
        opened(root)


@pytest.mark.parametrize('line, message', [
    ('val_0.JPEG', "val_annotations.txt', line 1: 'val_0.JPEG' has 1 columns of 3"),
    ('val_0.JPEG\tn09\t0\t0\t1\t1', "val_annotations.txt': class 'n09' of val_0.JPEG"),
])  # fmt: skip
def test_a_list_that_does_not_fit_is_named(root, line, message):
    (root / 'val' / 'val_annotations.txt').write_text(line)
    with pytest.raises(ValueError, match=message):
        opened(root, split='val')


def test_a_split_without_labels_is_none(root):
    with pytest.raises(ValueError, match="split='test'.*allowed: 'train', 'val'"):
        opened(root, split='test')


def test_a_missing_root_says_what_it_should_hold():
    with pytest.raises(ValueError, match='is not set. Point it at tiny-imagenet-200'):
        opened('')
