"""Whatever images lie in; and names that would lead out of the result."""

import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image
from prepared_files import CLASSES, contents, write_source

from reacgan_plugin.preparing import sources
from reacgan_plugin.preparing.formats import Archive, ImageTree, Shards
from reacgan_plugin.preparing.recipe import Recipe
from reacgan_plugin.preparing.sources import opened
from reacgan_plugin.preparing.work import prepare

LABELS = [label for label, count in enumerate(CLASSES.values()) for _ in range(count)]


def png(level: int) -> bytes:
    file = io.BytesIO()
    Image.new('RGB', (9, 9), (level, 0, 0)).save(file, format='PNG')
    return file.getvalue()


def into_folder(source, destination):
    prepare(source, destination, recipe=Recipe(8), form=ImageTree())
    return contents(destination)


def test_a_tar_beside_class_folders_is_not_taken_for_the_images(tmp_path):
    write_source(tmp_path)
    (tmp_path / 'backup.tar').write_bytes(b'what it was unpacked from')
    assert opened(str(tmp_path)).classes == sorted(CLASSES)


@pytest.mark.parametrize('form', [Archive(), ImageTree(), Shards(4)])
def test_results_are_sources_themselves_with_the_same_classes(tmp_path, form):
    photos = opened(str(write_source(tmp_path / 'photos')))
    result = tmp_path / 'result.zip'
    prepare(photos, result, recipe=Recipe(8), form=form)
    if form.name != 'zip':
        result = result.rename(tmp_path / 'result')
    again = opened(str(result))
    assert again.classes == list(CLASSES)
    assert sorted(again.labels.tolist()) == LABELS
    pixels = into_folder(again, tmp_path / 'again')
    images = into_folder(photos, tmp_path / 'direct')
    found, expected = (
        sorted(value for key, value in files.items() if key.endswith('.png'))
        for files in (pixels, images)
    )
    assert found == expected  # of 8 pixels, they are not resized again


def test_nested_folders_are_classes_on_request(tmp_path):
    photos = opened(str(write_source(tmp_path / 'photos')), nested=True)
    assert photos.classes[:2] == ['cat', 'cat/deep']
    names = into_folder(photos, tmp_path / 'out')
    folders = {name.split('/')[0] for name in names} - {'dataset.json'}
    assert sorted(folders)[:2] == ['0_cat', '1_cat_deep']


def test_a_config_and_hdf5_are_sources(tmp_path):
    h5py = pytest.importorskip('h5py')
    path = tmp_path / 'images.hdf5'
    levels = np.arange(4, dtype=np.uint8)
    with h5py.File(path, 'w') as file:
        file['imgs'] = levels[:, None, None, None] * np.ones((1, 3, 9, 9), np.uint8)
        file['labels'] = [0, 1, 1, 0]
    dataset = opened(str(path))
    assert dataset.labels.tolist() == [0, 1, 1, 0]
    assert len(into_folder(dataset, tmp_path / 'out')) == 5
    digits = opened(
        'biggan_reacgan_digits.py', overrides={'train_dataloader.dataset.split': 'test'}
    )
    assert digits.classes == [str(digit) for digit in range(10)]
    results = into_folder(digits, tmp_path / 'digits')
    assert len(results) == len(digits) + 1


@pytest.mark.parametrize('source, message', [
    ('no/such', "'no/such' is no source; allowed: a folder, .zip, .tar"),
    ('no.zip', 'no.zip'),
    ('no.tar', 'no.tar'),
    ('no.h5', 'no.h5'),
    ('no.py', 'no.py'),
])  # fmt: skip
def test_what_is_no_source_is_told(source, message):
    with pytest.raises(ValueError, match=message):
        opened(source)


def test_a_config_without_a_data_set_or_with_a_part_of_one_is_refused(
    tmp_path, monkeypatch
):
    config = tmp_path / 'part.py'
    config.write_text("train_dataloader = dict(dataset=dict(type='Part'))")
    monkeypatch.setattr(sources, 'build', lambda *_: ['no data set of ours'])
    with pytest.raises(ValueError, match='is list, which changes another data set'):
        opened(str(config))
    config.write_text('model = dict()')
    with pytest.raises(ValueError, match='has no train_dataloader.dataset'):
        opened(str(config))


EVIL = ['../evil.png', '/tmp/evil.png', '../../evil.png', 'a/../../evil.png']


def test_names_in_a_zip_lead_nowhere(tmp_path):
    """Outside of the result nothing is written, whatever members are called."""
    source = tmp_path / 'deep' / 'evil.zip'
    source.parent.mkdir()
    with zipfile.ZipFile(source, 'w') as archive:
        for level, name in enumerate(EVIL):
            archive.writestr(zipfile.ZipInfo(name), png(level))
        labels = [[name, label % 2] for label, name in enumerate(EVIL)]
        said = dict(labels=labels, classes=['../evil', '/etc/evil'])
        archive.writestr('dataset.json', json.dumps(said))
    before = contents(tmp_path)
    written = into_folder(opened(str(source)), tmp_path / 'deep' / 'out')
    assert {name.split('/')[0] for name in written} == {
        '0_evil',
        '1_etc_evil',
        'dataset.json',
    }
    after = contents(tmp_path)
    assert {name for name in after if not name.startswith('deep/out/')} == set(before)


def test_names_and_links_in_a_tar_lead_nowhere(tmp_path):
    secret = tmp_path / 'secret.png'
    secret.write_bytes(png(200))
    source = tmp_path / 'deep' / 'evil.tar'
    source.parent.mkdir()
    with tarfile.open(source, 'w') as shard:
        for level, name in enumerate(EVIL):
            for suffix, content in (('.png', png(level)), ('.cls', b'0')):
                member = tarfile.TarInfo(f'{name[:-4]}{level}{suffix}')
                member.size = len(content)
                shard.addfile(member, io.BytesIO(content))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            link = tarfile.TarInfo(f'link{kind.decode()}.png')
            link.type, link.linkname = kind, str(secret)
            shard.addfile(link)
    dataset = opened(str(source))
    assert len(dataset) == len(EVIL)  # links are no images
    written = into_folder(dataset, tmp_path / 'deep' / 'out')
    images = [value for name, value in written.items() if name.endswith('.png')]
    levels = {Image.open(io.BytesIO(image)).getpixel((0, 0))[0] for image in images}
    assert levels == set(range(len(EVIL)))
    found = {path.name for path in tmp_path.rglob('*') if path.is_file()}
    kept = {'secret.png', 'evil.tar', 'evil.tar.index.npz'}
    assert found - kept == {name.rsplit('/', 1)[-1] for name in written}
