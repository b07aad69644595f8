import os

import numpy as np
import pytest
import torch
from evaluation_parts import random_images, write_images

from reacgan_plugin.data import (
    ClassFolder,
    DigitPairs,
    Digits,
    ImageDataset,
    InstanceSelection,
)
from reacgan_plugin.evaluation.fingerprint import fingerprint
from reacgan_plugin.evaluation.folders import ImageFolder

PACK = [dict(type='LoadImage'), dict(type='PackImage')]


@pytest.fixture
def folder(tmp_path):
    write_images(tmp_path, random_images(6), classes=2)
    return tmp_path


@pytest.mark.parametrize('make', [
    ImageFolder,
    lambda folder: ClassFolder(folder, pipeline=PACK),
    lambda folder: Digits('test', pipeline=PACK),
])  # fmt: skip
def test_the_same_content_has_one_name(folder, make):
    assert fingerprint(make(folder)) == fingerprint(make(folder))


def test_a_file_that_changes_changes_the_name(folder):
    before = fingerprint(ImageFolder(folder))
    file = folder / 'class_1' / '0003.png'
    os.utime(file, ns=(1, 1))
    touched = fingerprint(ImageFolder(folder))
    file.rename(file.with_name('0009.png'))
    renamed = fingerprint(ImageFolder(folder))
    file.with_name('0009.png').unlink()
    assert len({before, touched, renamed, fingerprint(ImageFolder(folder))}) == 4


def test_size_pipeline_labels_and_images_change_the_name(folder):
    names = [fingerprint(ImageFolder(folder, size=size)) for size in (None, (4, 4))]
    digits = Digits('test', pipeline=PACK)
    names.append(fingerprint(digits))
    digits.labels = digits.labels[::-1].copy()
    names.append(fingerprint(digits))
    digits.images = digits.images.copy()
    digits.images[77] += 1
    names.append(fingerprint(digits))
    flips = [PACK[0], dict(type='RandomFlip', prob=1.0), PACK[1]]
    names.append(fingerprint(Digits('test', pipeline=flips)))
    assert len(set(names)) == 6


def test_a_config_that_has_been_json_gives_the_same_name():
    names = []
    for scale in ((9, 9), [9, 9], (9, 8)):
        resize = dict(type='Resize', scale=scale, backend='pillow')
        pipeline = [PACK[0], resize, PACK[1]]
        names.append(fingerprint(Digits('test', pipeline=pipeline)))
    assert names[0] == names[1] != names[2]


class Made(ImageDataset):
    """Images of 2 x 2 out of numbers, which are held as is convenient."""

    def __init__(self, levels):
        super().__init__(PACK, classes=['x'], labels=np.zeros(9))
        self.levels = levels

    def load(self, index):
        level = np.uint8(self.levels[index])
        return dict(img=np.full((2, 2, 3), level), label=0)


@pytest.mark.parametrize('kind', [list, np.array, torch.tensor])
def test_every_image_counts_however_a_data_set_holds_them(kind):
    """A kept file of other images would give a wrong number without a word."""
    levels = list(range(9))
    names = [fingerprint(Made(kind(levels))) for _ in range(2)]
    levels[2] = 200  # neither first, nor middle, nor last
    assert names[0] == names[1] != fingerprint(Made(kind(levels)))


@pytest.mark.parametrize('name', ['digits', 'pairs'])
def test_arrays_of_any_name_change_the_name(name):
    pairs = DigitPairs('test', pipeline=PACK, per_class=2)
    before = fingerprint(pairs)
    changed = getattr(pairs, name).copy()
    changed.flat[len(changed.flat) // 3] += 1
    setattr(pairs, name, changed)
    assert fingerprint(pairs) != before


class Means(torch.nn.Module):
    def forward(self, image):
        return image.mean((2, 3))


def test_a_selection_of_images_has_another_name():
    whole = Digits('test', pipeline=PACK)
    part = InstanceSelection(whole, keep=0.5, features=Means())
    assert fingerprint(part) != fingerprint(whole)
    part.kept = np.roll(part.kept, 1)
    assert fingerprint(part) != fingerprint(InstanceSelection(whole, features=Means()))


def test_asking_for_a_name_leaves_random_numbers_alone():
    before = torch.get_rng_state()
    fingerprint(Digits('test', pipeline=PACK))
    assert torch.equal(torch.get_rng_state(), before)
