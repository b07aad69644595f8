"""Every data set that reads files gives the same pixels in whichever process."""

import json
import pickle
import tarfile
import zipfile
from io import BytesIO

import h5py
import numpy as np
import pytest
from tiny_data import PIPELINE, pixels, png, put, read_back, read_by_workers
from torch.utils.data import ConcatDataset
from torchvision.datasets import ImageFolder

from reacgan_plugin.data.class_folder import ClassFolder
from reacgan_plugin.data.hdf5 import HDF5Images
from reacgan_plugin.data.mapping import MappingDataset
from reacgan_plugin.data.stylegan import StyleGANArchive
from reacgan_plugin.data.subset import PerClass
from reacgan_plugin.data.tar_shards import TarShards

IMAGES = pixels(4)
CLASSES = [0, 0, 1, 1]


def class_folder(root):
    for row, label in enumerate(CLASSES):
        put(root / str(label) / f'{row}.png', IMAGES[row])
    return ClassFolder(root, pipeline=PIPELINE)


def mapping(root):
    class_folder(root)
    return MappingDataset(ImageFolder(root), pipeline=PIPELINE)


def archive(root):
    labels = [[f'{row}.png', label] for row, label in enumerate(CLASSES)]
    with zipfile.ZipFile(root / 'a.zip', 'w') as members:
        for row, image in enumerate(IMAGES):
            members.writestr(f'{row}.png', png(image))
        members.writestr('dataset.json', json.dumps(dict(labels=labels)))
    return StyleGANArchive(root / 'a.zip', pipeline=PIPELINE)


def shards(root):
    for row, label in enumerate(CLASSES):
        with tarfile.open(root / f'{row}.tar', 'w') as members:
            for end, content in (('png', png(IMAGES[row])), ('cls', b'%d' % label)):
                member = tarfile.TarInfo(f'a.{end}')
                member.size = len(content)
                members.addfile(member, BytesIO(content))
    return TarShards(str(root / '{0..3}.tar'), pipeline=PIPELINE)


def hdf5(root):
    with h5py.File(root / 'a.hdf5', 'w') as file:
        planes = IMAGES.transpose(0, 3, 1, 2)
        file.create_dataset('imgs', data=planes, chunks=(3, 3, 6, 5), compression=1)
        file.create_dataset('labels', data=CLASSES)
    return HDF5Images(root / 'a.hdf5', pipeline=PIPELINE)


KINDS = [class_folder, mapping, archive, shards, hdf5]


@pytest.fixture
def every(tmp_path):
    """All of them one after the other, bare and as a subset."""
    sets = []
    for kind in KINDS:
        (tmp_path / kind.__name__).mkdir()
        sets.append(kind(tmp_path / kind.__name__))
    return ConcatDataset([*sets, *(PerClass(each, count=2) for each in sets)])


def test_a_copy_as_workers_get_it_reads_on(every):
    assert np.array_equal(read_back(every), np.tile(IMAGES, (10, 1, 1, 1)))
    copy = pickle.loads(pickle.dumps(every))
    assert np.array_equal(read_back(copy), read_back(every))


@pytest.mark.parametrize('context', [
    'fork', pytest.param('spawn', marks=pytest.mark.slow)
])  # fmt: skip
def test_workers_read_what_their_parent_reads(every, context):
    images, labels = read_by_workers(every, context)
    assert np.array_equal(images, np.tile(IMAGES, (10, 1, 1, 1)))
    assert labels == CLASSES * 10
