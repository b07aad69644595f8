import json
import zipfile

import pytest
import torch
from PIL import Image

from reacgan_plugin.data import ClassFolder
from reacgan_plugin.sampling.files import check_free, places, write_folder, write_zip

LABEL = [0, 0, 11]
SEEDS = [3, 4, 1_000_000_007]
WHERE = places(LABEL, SEEDS, ['cat', 'dog'], 12)
NAMES = [
    '00_cat/class00_seed0000000003.png',
    '00_cat/class00_seed0000000004.png',
    '11/class11_seed1000000007.png',
]


def batches():
    """Two batches whose images have the levels 10, 20 and 30."""
    images = torch.tensor([10, 20, 30], dtype=torch.uint8)[:, None, None, None]
    yield from images.expand(3, 3, 4, 4).split(2)


def stopping():
    yield next(batches())
    raise KeyboardInterrupt


def test_names_have_class_and_seed():
    assert [place.name for place in WHERE] == NAMES
    assert [place.label for place in WHERE] == LABEL


def test_a_folder_is_a_data_set_with_the_same_labels(tmp_path):
    where = places([1, 0, 1], [0, 1, 2], ['zebra', 'ant'], 2)
    assert write_folder(batches(), where, tmp_path / 'new') == 3
    found = ClassFolder(
        tmp_path / 'new', pipeline=[dict(type='LoadImage'), dict(type='PackImage')]
    )
    assert found.classes == ['0_zebra', '1_ant']
    levels = [(item['image'][0, 0, 0].item(), int(item['label'])) for item in found]
    assert levels == [(20, 0), (10, 1), (30, 1)]


def test_an_archive_has_images_and_labels_as_stylegan_reads_them(tmp_path):
    path = tmp_path / 'x.zip'
    assert write_zip(batches(), WHERE, path) == 3
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [*NAMES, 'dataset.json']
        labels = json.loads(archive.read('dataset.json'))['labels']
        assert labels == [list(pair) for pair in zip(NAMES, LABEL, strict=True)]
        for name, level in zip(NAMES, (10, 20, 30), strict=True):
            with archive.open(name) as file, Image.open(file) as image:
                assert image.size == (4, 4) and image.getpixel((0, 0)) == (level,) * 3


def test_the_same_images_make_the_same_archive(tmp_path, monkeypatch):
    write_zip(batches(), WHERE, tmp_path / 'a.zip')
    monkeypatch.setattr('time.time', lambda: 2e9)
    write_zip(batches(), WHERE, tmp_path / 'b.zip')
    assert (tmp_path / 'a.zip').read_bytes() == (tmp_path / 'b.zip').read_bytes()


def test_an_archive_that_is_not_finished_leaves_the_one_before(tmp_path):
    path = tmp_path / 'x.zip'
    path.write_bytes(b'before')
    with pytest.raises(KeyboardInterrupt):
        write_zip(stopping(), WHERE, path)
    assert path.read_bytes() == b'before'
    assert [entry.name for entry in tmp_path.iterdir()] == ['x.zip']


def test_a_folder_that_is_not_finished_has_whole_files(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_folder(stopping(), WHERE, tmp_path)
    written = sorted(path for path in tmp_path.rglob('*') if path.is_file())
    assert [str(path.relative_to(tmp_path)) for path in written] == NAMES[:2]
    for path in written:
        Image.open(path).load()


def test_images_are_written_as_they_come(tmp_path):
    def watched():
        for batch in batches():
            yield batch
            counts.append(len(list(tmp_path.rglob('*.png'))))

    counts = []
    write_folder(watched(), WHERE, tmp_path)
    assert counts == [2, 3]


@pytest.mark.parametrize('write', [write_folder, write_zip])
def test_every_image_needs_a_place(tmp_path, write):
    with pytest.raises(ValueError):
        write(batches(), WHERE[:2], tmp_path / 'x.zip')


def test_what_is_there_is_written_over_only_when_that_is_wanted(tmp_path):
    archive, folder = tmp_path / 'x.zip', tmp_path / 'x'
    for free in (archive, folder):
        check_free(free, overwrite=False)
    folder.mkdir()
    check_free(folder, overwrite=False)  # nothing in it
    archive.touch()
    (folder / 'mine.txt').touch()
    for taken in (archive, folder):
        with pytest.raises(ValueError, match='--overwrite'):
            check_free(taken, overwrite=False)
        check_free(taken, overwrite=True)
