import io
import os
import tarfile

import numpy as np
import pytest
import webdataset
from braceexpand import braceexpand
from tiny_data import PIPELINE, pixels, png, read_back

from reacgan_plugin.data import tar_index
from reacgan_plugin.data.checks import check_dataset
from reacgan_plugin.data.loading import BrokenImage
from reacgan_plugin.data.tar_index import key_and_extension
from reacgan_plugin.data.tar_shards import TarShards, _without_braces, expanded

IMAGES = pixels(6)
CLASSES = [1, 0, 2, 1, 0, 1]


def shard(path, rows):
    """By the package's own writer, with members that are not for us among them."""
    with webdataset.TarWriter(str(path)) as writer:
        for row in rows:
            writer.write(
                {
                    '__key__': f'train/{row:04}',
                    'json': dict(width=5),
                    'png': png(IMAGES[row]),
                    'cls': CLASSES[row],
                    'seg.png': png(IMAGES[0]),
                }
            )
    return path


def written(path, members):
    with tarfile.open(path, 'w') as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def opened(shards, **options):
    return TarShards(shards, pipeline=PIPELINE, **options)


@pytest.fixture
def three(tmp_path):
    for number in range(3):
        shard(tmp_path / f'train-{number:03}.tar', [2 * number, 2 * number + 1])
    return tmp_path


@pytest.mark.parametrize('pattern', [
    'train-{000..002}.tar',
    'train-*.tar',
    'train-00[012].tar',
    ['train-{000..001}.tar', 'train-002.tar'],
])  # fmt: skip
def test_shards_are_one_data_set_of_the_pixels_that_were_put_in(three, pattern):
    patterns = [pattern] if isinstance(pattern, str) else pattern
    paths = [str(three / each) for each in patterns]
    dataset = opened(paths if len(paths) > 1 else paths[0])
    assert np.array_equal(read_back(dataset), IMAGES)
    assert dataset.labels.tolist() == CLASSES
    assert [dataset[i]['label'] for i in range(6)] == CLASSES
    assert dataset.classes == ['0', '1', '2']
    check_dataset(dataset, 3)


def test_shards_of_several_disks_come_in_the_order_they_are_named(three, tmp_path):
    far = tmp_path / 'other' / 'disk'
    far.mkdir(parents=True)
    shard(far / 'a.tar', [5])
    dataset = opened([str(far / '*.tar'), str(three / 'train-000.tar')])
    assert np.array_equal(read_back(dataset), IMAGES[[5, 0, 1]])


@pytest.mark.parametrize('pattern', [
    'a.tar', '{a,b,cc}.tar', 'x-{0..3}-{00..10}.tar', '{08..11}', '{1..10}', '{00..100}'
])  # fmt: skip
def test_braces_mean_what_they_mean_to_webdataset(pattern):
    assert list(_without_braces(pattern)) == list(braceexpand(pattern))


def test_a_shard_is_gone_through_once(three, monkeypatch):
    opened(str(three / '*.tar'))
    assert len(list(three.glob('train-*.tar.index.npz'))) == 3
    assert len(os.listdir(three)) == 6
    monkeypatch.setattr(tar_index, '_read', None)
    assert np.array_equal(read_back(opened(str(three / '*.tar'))), IMAGES)


def test_a_shard_that_changed_is_gone_through_again(three):
    opened(str(three / '*.tar'))
    shard(three / 'train-001.tar', [5, 4, 3])
    dataset = opened(str(three / '*.tar'))
    assert np.array_equal(read_back(dataset), IMAGES[[0, 1, 5, 4, 3, 4, 5]])


@pytest.mark.parametrize('content', [b'', b'PK\3\4 and more', None])
def test_a_damaged_index_is_made_again(three, content):
    opened(str(three / '*.tar'))
    kept = three / 'train-001.tar.index.npz'
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-20] if content is None else content)
    assert np.array_equal(read_back(opened(str(three / '*.tar'))), IMAGES)
    assert len(kept.read_bytes()) == len(whole)


def test_an_index_that_cannot_be_kept_is_said_and_no_error(three, monkeypatch):
    said = []

    def refuse(*paths):
        raise OSError(30, 'Read-only file system')

    monkeypatch.setattr(os, 'replace', refuse)
    monkeypatch.setattr(tar_index, 'print_log', lambda text, logger: said.append(text))
    assert np.array_equal(read_back(opened(str(three / '*.tar'))), IMAGES)
    assert sorted(os.listdir(three)) == [f'train-00{n}.tar' for n in range(3)]
    assert said[0] == 'train-000.tar: 2 images, found by going through it'
    assert '(Read-only file system)' in said[1]


def test_other_extensions_can_be_named(tmp_path):
    path = written(tmp_path / 'a.tar', [
        ('a.left.png', png(IMAGES[0])), ('a.right.png', png(IMAGES[1])),
        ('a.class', b' 2\n'),
    ])  # fmt: skip
    dataset = opened(path, image='right.png', label='class')
    assert np.array_equal(read_back(dataset), IMAGES[1:2])
    assert dataset.labels.tolist() == [2]
    other = opened(path, image='left.png', label='class')  # not by the other's index
    assert np.array_equal(read_back(other), IMAGES[:1])


def test_keys_end_at_the_first_dot_of_the_file_name():
    assert key_and_extension('v1.0/n01/a_7.seg.PNG') == ('v1.0/n01/a_7', 'seg.png')
    assert key_and_extension('a.jpg') == ('a', 'jpg')


def test_names_that_point_elsewhere_links_and_long_ones_are_harmless(tmp_path):
    path = tmp_path / 'a.tar'
    names = ['../../out', '/etc/out', 'deep/' * 60 + 'out']
    with tarfile.open(path, 'w', format=tarfile.PAX_FORMAT) as archive:
        link = tarfile.TarInfo('link.png')
        link.type, link.linkname = tarfile.SYMTYPE, '/etc/passwd'
        archive.addfile(link)
        for row, name in enumerate(names):
            for end, content in (('.png', png(IMAGES[row])), ('.cls', b'0')):
                member = tarfile.TarInfo(name + end)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    assert np.array_equal(read_back(opened(path)), IMAGES[:3])
    assert sorted(os.listdir(tmp_path)) == ['a.tar', 'a.tar.index.npz']


def test_a_broken_image_is_named_with_its_shard(tmp_path):
    path = written(tmp_path / 'a.tar', [('x/7.jpg', b'no jpeg'), ('x/7.cls', b'0')])
    with pytest.raises(BrokenImage, match=r"a\.tar/x/7\.jpg'"):
        opened(path)[0]


@pytest.mark.parametrize('members, message', [
    ([('a.png', b'x')], "'a' in '.*a.tar' has no label, a file a.cls"),
    ([('a.cls', b'0')], "'a' in '.*a.tar' should have one image, found: none"),
    (
        [('a.png', b'x'), ('a.jpg', b'x'), ('a.cls', b'0')],
        'should have one image, found: a.png, a.jpg; image=None',
    ),
    ([('a.png', b'x'), ('a.cls', b'cat')], "a.cls is b'cat'; it must be an integer"),
    ([], 'holds no samples'),
])  # fmt: skip
def test_samples_that_are_not_complete_are_named(tmp_path, members, message):
    with pytest.raises(ValueError, match=message):
        opened(written(tmp_path / 'a.tar', members))


@pytest.mark.parametrize('left', [1, 700, 1024, 1500, 2048, 3000, 4096])
def test_a_shard_that_was_cut_is_named_wherever_it_was(tmp_path, left):
    path = written(tmp_path / 'a.tar', [
        (f'{row}.{end}', content)
        for row in range(2)
        for end, content in (('png', png(IMAGES[row])), ('cls', b'0'))
    ])  # fmt: skip
    assert path.read_bytes()[4096:].strip(b'\0') == b''  # two blocks a member
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ValueError, match="cannot read the shard '.*a.tar'"):
        opened(path)
    assert os.listdir(tmp_path) == ['a.tar']


def test_a_damaged_header_in_the_middle_is_no_end(tmp_path):
    path = shard(tmp_path / 'a.tar', [0, 1])
    with tarfile.open(path) as archive:
        place = archive.getmembers()[5].offset
    content = bytearray(path.read_bytes())
    content[place + 150] ^= 1  # in the checksum
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f'damaged or cut at byte {place:,}'):
        opened(path)


def test_a_compressed_shard_is_refused(tmp_path):
    with tarfile.open(tmp_path / 'a.tar', 'w:gz') as archive:
        archive.addfile(tarfile.TarInfo('a.png'))
    with pytest.raises(ValueError, match='not compressed'):
        opened(tmp_path / 'a.tar')


def test_a_shard_that_shrinks_while_it_is_read_is_named(three):
    dataset = opened(str(three / '*.tar'))
    os.truncate(three / 'train-001.tar', 600)
    assert np.array_equal(dataset[5]['image'].numpy().transpose(1, 2, 0), IMAGES[5])
    with pytest.raises(BrokenImage, match='train-001.tar.* has been cut'):
        dataset[2]


@pytest.mark.parametrize('pattern, message', [
    ('train-{000..003}.tar', "shard '.*train-003.tar' is not there"),
    ('val-*.tar', r"no file fits '.*val-\*.tar'"),
    ('train-{000,000}.tar', '1 of 2 are named twice'),
])  # fmt: skip
def test_shards_that_are_not_there_are_named(three, pattern, message):
    with pytest.raises(ValueError, match=message):
        expanded(str(three / pattern))


def test_no_shards_are_an_error():
    with pytest.raises(ValueError, match='shards: none'):
        expanded([])
