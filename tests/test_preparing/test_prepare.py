"""What comes out, in each form, as our data sets read it."""

import json
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from prepared_files import CLASSES, contents, write_source

from reacgan_plugin.data.class_folder import ClassFolder
from reacgan_plugin.data.loading import CenterCropSquare, LoadImage, PackImage
from reacgan_plugin.data.stylegan import StyleGANArchive
from reacgan_plugin.data.tar_shards import TarShards
from reacgan_plugin.preparing.chunks import class_folders
from reacgan_plugin.preparing.formats import Archive, ImageTree, Shards
from reacgan_plugin.preparing.recipe import Recipe
from reacgan_plugin.preparing.sources import opened
from reacgan_plugin.preparing.work import prepare

FORMS = {'zip': Archive, 'folder': ImageTree, 'wds': lambda: Shards(4)}
IMAGES = sum(CLASSES.values())


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    return opened(str(write_source(tmp_path_factory.mktemp('source') / 'photos')))


@pytest.fixture
def prepared(source, tmp_path):
    """Prepare the source and give the place of the result."""

    def run(name, settings=None, **options):
        destination = tmp_path / f'out.{name}'
        recipe = Recipe(**{'size': 8, **(settings or {})})
        prepare(source, destination, recipe=recipe, form=FORMS[name](), **options)
        assert [path.name for path in tmp_path.iterdir()] == [destination.name]
        return destination

    return run


def on_the_fly(source, *transforms, channels=3):
    """Images and labels of the source through a config's pipeline."""
    pipeline = [LoadImage(channels), *transforms, PackImage()]
    dataset = ClassFolder(source.data_root, pipeline=pipeline)
    return [dataset[index] for index in range(len(dataset))]


def resize(interpolation='lanczos'):
    options = dict(scale=(8, 8), backend='pillow', interpolation=interpolation)
    return dict(type='Resize', **options)


def read(path, channels=3):
    """By the data set for the form."""
    pipeline = [LoadImage(channels), PackImage()]
    if path.suffix == '.wds':
        names = str(path / 'classes.txt')
        dataset = TarShards(path / 'train-*.tar', pipeline=pipeline, classes=names)
    else:
        kind = ClassFolder if path.is_dir() else StyleGANArchive
        dataset = kind(path, pipeline=pipeline)
    return dataset, [dataset[index] for index in range(len(dataset))]


def assert_equal(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one['label'] == other['label']
        assert torch.equal(one['image'], other['image'])


@pytest.mark.parametrize('name', FORMS)
def test_training_on_the_result_is_training_on_the_source(prepared, source, name):
    dataset, found = read(prepared(name))
    expected = on_the_fly(source, CenterCropSquare(), resize())
    if name == 'wds':
        order = np.random.default_rng(0).permutation(IMAGES)
        expected = [expected[index] for index in order]
    assert_equal(found, expected)
    assert dataset.classes == list(CLASSES)


@pytest.mark.parametrize('settings, transforms, channels', [
    (dict(crop='none'), [resize()], 3),
    (dict(resizer='bicubic'), [CenterCropSquare(), resize('bicubic')], 3),
    (dict(resizer='box'), [CenterCropSquare(), resize('box')], 3),
    (dict(channels=1), [CenterCropSquare(), resize()], 1),
])  # fmt: skip
def test_a_setting_is_what_it_is_in_a_pipeline(
    prepared, source, settings, transforms, channels
):
    _, found = read(prepared('zip', settings), channels)
    assert_equal(found, on_the_fly(source, *transforms, channels=channels))


def test_images_of_one_channel_are_stored_so(prepared):
    folder = prepared('folder', dict(channels=1))
    assert {Image.open(path).mode for path in folder.rglob('*.png')} == {'L'}


def test_an_archive_is_as_stylegans_read_it(prepared):
    with zipfile.ZipFile(prepared('zip')) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {0}
        listed = json.loads(archive.read('dataset.json'))
        images = {name for name in archive.namelist() if name != 'dataset.json'}
    assert {name for name, _ in listed['labels']} == images
    assert len(images) == IMAGES
    assert listed['labels'][7] == ['dog/img00000007.png', 1]
    assert listed['classes'] == list(CLASSES)


def test_a_folder_is_read_as_class_folders_and_by_its_labels(prepared, source):
    folder = prepared('folder')
    pipeline = [LoadImage(), PackImage()]
    by_labels = StyleGANArchive(folder, pipeline=pipeline)
    _, by_folders = read(folder)
    assert_equal([by_labels[index] for index in range(IMAGES)], by_folders)


def test_every_shard_has_images_and_labels_of_several_classes(prepared):
    shards = sorted(prepared('wds').glob('*.tar'))
    assert [shard.name for shard in shards] == [f'train-{n:06}.tar' for n in range(6)]
    for shard in shards[:-1]:
        with tarfile.open(shard) as members:
            names = [member.name for member in members]
            keys = [name[:8] for name in names[::2]]
            assert names == [f'{key}.{end}' for key in keys for end in ('png', 'cls')]
            labels = {members.extractfile(f'{key}.cls').read() for key in keys}
        assert len(labels) > 1


@pytest.mark.parametrize('name', FORMS)
def test_the_number_of_workers_changes_no_byte(prepared, tmp_path, name):
    alone = prepared(name)
    expected = contents(alone)
    alone.rename(tmp_path.parent / f'{tmp_path.name}.{name}')
    assert contents(prepared(name, workers=2)) == expected


@pytest.mark.parametrize('classes, folders', [
    (['cat', 'dog'], ['cat', 'dog']),
    (['dog', 'cat'], ['0_dog', '1_cat']),  # else the labels would be exchanged
    (['big cat', 'dog'], ['big cat', 'dog']),
    (['..', '../evil'], ['0', '1_evil']),
    (['/etc', 'a'], ['0_etc', '1_a']),
    (['.hidden', 'a'], ['0_hidden', '1_a']),
    (['a/b', 'a/c'], ['0_a_b', '1_a_c']),
    (['a', 'a'], ['0_a', '1_a']),
    ([str(n) for n in range(11)], [f'{n:02}' for n in range(11)]),
])  # fmt: skip
def test_folders_of_classes_are_in_the_order_of_labels_and_lead_nowhere_else(
    classes, folders
):
    assert class_folders(classes) == folders
    assert folders == sorted(folders)
