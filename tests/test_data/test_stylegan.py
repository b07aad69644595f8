import json
import os
import zipfile

import numpy as np
import pytest
from tiny_data import PIPELINE, pixels, png, read_back

from reacgan_plugin.data import containers
from reacgan_plugin.data.checks import check_dataset
from reacgan_plugin.data.containers import Reader
from reacgan_plugin.data.loading import BrokenImage
from reacgan_plugin.data.stylegan import StyleGANArchive

IMAGES = pixels(4)
NAMES = [f'0000{n // 2}/img{n:08}.png' for n in range(4)]
CLASSES = [1, 0, 2, 1]
ONE_HOT = np.eye(3)[CLASSES].tolist()


def members(labels=CLASSES, **more):
    files = {name: png(image) for name, image in zip(NAMES, IMAGES, strict=True)}
    pairs = None if labels is None else list(zip(NAMES, labels, strict=True))
    files['dataset.json'] = json.dumps(dict(labels=pairs, **more)).encode()
    return files


def as_zip(folder, files, method=zipfile.ZIP_STORED):
    path = folder / 'data.zip'
    with zipfile.ZipFile(path, 'w', method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def as_folder(folder, files):
    for name, content in files.items():
        path = folder / 'images' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / 'images'


def deflated(folder, files):
    return as_zip(folder, files, zipfile.ZIP_DEFLATED)


def opened(path, **options):
    return StyleGANArchive(path, pipeline=PIPELINE, **options)


@pytest.mark.parametrize('make', [as_zip, deflated, as_folder])
@pytest.mark.parametrize('labels', [CLASSES, ONE_HOT])
def test_images_and_labels_are_those_that_were_put_in(tmp_path, make, labels):
    dataset = opened(make(tmp_path, members(labels)))
    assert np.array_equal(read_back(dataset), IMAGES)
    assert dataset.labels.tolist() == CLASSES
    assert [dataset[i]['label'] for i in range(4)] == CLASSES
    assert dataset.classes == ['0', '1', '2']
    check_dataset(dataset, 3)


def test_nothing_is_written_beside_the_zip(tmp_path):
    read_back(opened(as_zip(tmp_path, members())))
    assert os.listdir(tmp_path) == ['data.zip']


def test_names_that_point_elsewhere_lead_nowhere(tmp_path):
    files = {'../out.png': png(IMAGES[0]), '/etc/out.png': png(IMAGES[1])}
    pairs = [[name, 0] for name in files]
    files['dataset.json'] = json.dumps(dict(labels=pairs)).encode()
    dataset = opened(as_zip(tmp_path, files))
    assert np.array_equal(read_back(dataset), IMAGES[:2])
    assert not (tmp_path.parent / 'out.png').exists()


def test_other_and_hidden_members_are_no_images(tmp_path):
    files = members()
    files['notes.txt'] = files['__MACOSX/._img.png'] = files['.DS_Store'] = b'x'
    assert len(opened(as_zip(tmp_path, files))) == 4


def test_classes_have_names_if_the_file_or_the_config_has_some(tmp_path):
    path = as_folder(tmp_path, members(classes=['ant', 'bee', 'cat', 'dog']))
    assert opened(path).classes == ['ant', 'bee', 'cat', 'dog']
    assert opened(path, classes=['x', 'y', 'z']).classes == ['x', 'y', 'z']
    with pytest.raises(ValueError, match='classes has 2 names.* labels run to 2'):
        opened(path, classes=['x', 'y'])


def test_no_labels_are_an_error_that_says_how_to_do_without(tmp_path):
    path = as_zip(tmp_path, members(None))
    with pytest.raises(ValueError, match=r'data.zip/dataset.json has no labels \(null'):
        opened(path)
    dataset = opened(path, use_labels=False)
    assert dataset.labels.tolist() == [0] * 4
    assert dataset.classes == ['0']


def test_a_missing_list_of_labels_is_the_same_error(tmp_path):
    files = members()
    del files['dataset.json']
    with pytest.raises(ValueError, match='no such file.*use_labels=False'):
        opened(as_zip(tmp_path, files))


@pytest.mark.parametrize('labels', [
    [[1, 1, 0]] * 4,
    [[0.5, 0.5]] * 4,
    [0.5, 1.0, 0.0, 1.0],
    [[1, 0], [1], [0, 1], [1, 0]],
    ['a', 'b', 'a', 'b'],
])  # fmt: skip
def test_labels_that_are_not_one_class_are_refused(tmp_path, labels):
    with pytest.raises(ValueError, match='allowed: one class an image'):
        opened(as_zip(tmp_path, members(labels)))


@pytest.mark.parametrize('content, message', [
    (b'{"labels": [["00000/img', 'dataset.json is damaged'),
    (b'{"labels": [1, 2]}', 'no list of pairs'),
    (json.dumps(dict(labels=[[NAMES[0], 0]])).encode(), f'no label of {NAMES[1]}'),
    (
        json.dumps(dict(labels=[[name, 0] for name in [*NAMES, 'x.png']])).encode(),
        'images that are not there: x.png',
    ),
])  # fmt: skip
def test_a_list_of_labels_that_does_not_fit_is_named(tmp_path, content, message):
    files = {**members(), 'dataset.json': content}
    with pytest.raises(ValueError, match=message):
        opened(as_zip(tmp_path, files))


def test_a_zip_that_was_cut_is_named(tmp_path):
    path = as_zip(tmp_path, members())
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match="cannot read '.*data.zip'.*complete"):
        opened(path)


@pytest.mark.parametrize('make', [as_zip, deflated])
def test_a_flipped_bit_is_found_and_its_image_named(tmp_path, make):
    path = make(tmp_path, members())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo(NAMES[2]).header_offset
    content = bytearray(path.read_bytes())
    content[start + 100] ^= 4
    path.write_bytes(content)
    dataset = opened(path)
    assert np.array_equal(dataset[1]['image'].numpy().transpose(1, 2, 0), IMAGES[1])
    with pytest.raises(BrokenImage, match=f'{NAMES[2]}.*data.zip.* is damaged'):
        dataset[2]


def test_a_damaged_zip_is_one_named_error_wherever_it_is_damaged(tmp_path):
    path = deflated(tmp_path, members())
    whole = path.read_bytes()
    for place in np.random.default_rng(0).integers(len(whole), size=100):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        path.write_bytes(content)
        try:
            read_back(opened(path))
        except ValueError as error:
            assert 'data.zip' in str(error)


def test_a_zip_that_goes_while_it_is_read_is_named(tmp_path):
    path = as_zip(tmp_path, members())
    dataset = opened(path)
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(BrokenImage, match='data.zip.* has been cut'):
        read_back(dataset)
    path.unlink()
    dataset.source.reader = Reader()
    with pytest.raises(BrokenImage, match='cannot read .*data.zip.*No such file'):
        dataset[0]


def test_an_image_that_goes_from_the_folder_is_named(tmp_path):
    path = as_folder(tmp_path, members())
    dataset = opened(path)
    (path / NAMES[1]).unlink()
    with pytest.raises(BrokenImage, match=f'{NAMES[1]}.*No such file'):
        dataset[1]


def test_members_that_would_unpack_to_too_much_are_refused(tmp_path, monkeypatch):
    path = as_zip(tmp_path, members())
    monkeypatch.setattr(containers, 'MOST_BYTES', 100)
    with pytest.raises(ValueError, match='has .* bytes; allowed: 100'):
        opened(path)


def test_other_methods_than_deflate_are_refused(tmp_path):
    path = as_zip(tmp_path, members(), zipfile.ZIP_LZMA)
    with pytest.raises(ValueError, match='another method than deflate'):
        opened(path)


def test_an_archive_without_images_and_one_that_is_not_there_are_named(tmp_path):
    with pytest.raises(ValueError, match='data.zip.* holds no image'):
        opened(as_zip(tmp_path, {'notes.txt': b'x'}))
    with pytest.raises(ValueError, match="'/no/such.zip' is not a file or folder"):
        opened('/no/such.zip')


def test_only_so_many_files_are_open_and_each_once(tmp_path, monkeypatch):
    monkeypatch.setattr(containers, 'MOST_OPEN', 2)
    paths = [str(tmp_path / name) for name in 'abc']
    for path in paths:
        with open(path, 'w') as stream:
            stream.write(path)
    reader = Reader()
    for path in paths + paths[::-1]:
        assert reader.read(path, 0, len(path)).decode() == path
        assert len(reader.handles) <= 2
