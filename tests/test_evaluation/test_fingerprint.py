import os

import numpy as np
import pytest
import torch
from evaluation_parts import random_images, write_images

from reacgan_plugin.data import ClassFolder, Digits, InstanceSelection
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
