"""The guide to data is code that runs: its snippets read tiny data of their layout."""

import json
import re
import zipfile

import numpy as np
import pytest
from test_docs import written_out
from tiny_data import pixels, png, put
from tiny_runs import ROOT

from reacgan_plugin import components
from reacgan_plugin.config import load_config
from reacgan_plugin.config_checks import check_types
from reacgan_plugin.registry import DATASETS, build
from reacgan_plugin.train import run

TEXT = (ROOT / 'docs' / 'data.md').read_text()
IMAGES = pixels(4, side=32)
NAMES = ['cat', 'cat', 'dog', 'dog']
LABELS = [0, 0, 1, 1]
TINY = (
    'total_batch_size=4',
    'train_cfg.max_iters=2',
    'custom_hooks=[]',
    'train_dataloader.num_workers=0',
    'default_hooks.logger.interval=1',
    'model.generator.base_channels=2',
    'model.generator.z_dim=8',
    'model.generator.shared_dim=4',
    'model.discriminator.base_channels=4',
)


def class_folder(root, *, folders=('cat', 'dog')):
    for name, image, place in zip(NAMES, IMAGES, range(4), strict=True):
        put(root / folders[name == 'dog'] / f'{place}.png', image)


def tiny_imagenet(root):
    put(root / 'train' / 'n01' / 'images' / 'n01_0.JPEG', IMAGES[0])
    (root / 'wnids.txt').write_text('n01\n')
    (root / 'words.txt').write_text('n01\tgoldfish\n')


def cub200(root):
    put(root / 'images' / '001.Auk' / 'a.jpg', IMAGES[0])
    lists = dict(images='001.Auk/a.jpg', image_class_labels='1', train_test_split='1')
    lists.update(bounding_boxes='1.0 2.0 3.0 4.0', classes='001.Auk')
    for name, row in lists.items():
        (root / f'{name}.txt').write_text(f'1 {row}\n')


def archive(path):
    labels = [[f'{row}.png', label] for row, label in enumerate(LABELS)]
    with zipfile.ZipFile(path, 'w') as members:
        for row, image in enumerate(IMAGES):
            members.writestr(f'{row}.png', png(image))
        members.writestr('dataset.json', json.dumps(dict(labels=labels)))


def hdf5(path):
    with pytest.importorskip('h5py').File(path, 'w') as file:
        file.create_dataset('imgs', data=IMAGES.transpose(0, 3, 1, 2))
        file.create_dataset('labels', data=LABELS)


def shards(root):
    writer = pytest.importorskip('webdataset').TarWriter
    paths = ['disk1/train-000.tar', 'disk1/train-001.tar', 'disk2/a.tar']
    for row, path in enumerate(paths):
        (root / path).parent.mkdir(exist_ok=True)
        with writer(str(root / path)) as tar:
            sample = {'__key__': '0', 'png': png(IMAGES[row]), 'cls': LABELS[row]}
            tar.write(sample)


def fashion(root):
    folder = root / 'FashionMNIST' / 'raw'
    folder.mkdir(parents=True)
    for name, array in (
        ('images-idx3', IMAGES[..., 0]), ('labels-idx1', np.uint8(LABELS))
    ):  # fmt: skip
        header = np.array([0x800 + array.ndim, *array.shape], '>i4').tobytes()
        for part in ('train', 't10k'):
            (folder / f'{part}-{name}-ubyte').write_bytes(header + array.tobytes())


def cifar10(root):
    root = root / 'cifar-10-batches-bin'
    root.mkdir(parents=True)
    rows = np.zeros((100, 3073), np.uint8)
    rows[:, 0] = np.arange(100) % 10
    for name in ('test_batch', *(f'data_batch_{n}' for n in range(1, 6))):
        (root / f'{name}.bin').write_bytes(rows.tobytes())
    (root / 'batches.meta.txt').write_text('\n'.join('abcdefghij'))


@pytest.fixture
def there(tmp_path, monkeypatch):
    """The guide's files, and data where they look for it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    written_out('data', tmp_path)
    root = tmp_path / 'data'
    class_folder(root / 'pets')
    class_folder(root / 'animals', folders=('cats/tabby', 'dogs/pug'))
    tiny_imagenet(root / 'tiny-imagenet-200')
    cub200(root / 'CUB_200_2011')
    archive(root / 'pets.zip')
    hdf5(root / 'pets.hdf5')
    shards(tmp_path)
    fashion(root)
    cifar10(root / 'cifar10')
    return tmp_path


SNIPPETS = {
    'class_folder': (4, ['dog', 'cat']),
    'nested': (4, ['cats/tabby', 'dogs/pug']),
    'tiny_imagenet': (1, ['goldfish']),
    'cub200': (1, ['001.Auk']),
    'stylegan_zip': (4, ['0', '1']),
    'hdf5': (4, ['0', '1']),
    'shards': (3, ['cat', 'dog']),
    'torchvision_set': (4, None),
    'long_tail': (120, list('abcdefghij')),
    'per_class': (4, ['cat', 'dog']),
}


@pytest.mark.parametrize('name', SNIPPETS)
def test_a_snippet_of_the_guide_builds_its_data_set(there, name):
    names: dict = {}
    exec((there / 'pipeline.py').read_text(), names)
    exec((there / f'{name}.py').read_text(), names)
    config, _ = load_config('biggan_reacgan_digits.py')
    config.train_dataloader.dataset = names['dataset']
    check_types(config)
    dataset = build(DATASETS, config.train_dataloader.dataset)
    length, classes = SNIPPETS[name]
    assert len(dataset) == length
    assert classes in (None, list(dataset.classes))
    assert dataset[0]['label'] == dataset.labels[0]


def test_every_block_of_the_guide_is_one_that_is_run():
    blocks = {*re.findall(r'```python\n# (\w+)\.py\n', TEXT)}
    assert blocks == {
        *SNIPPETS, 'pipeline', 'my_config', 'my_data', 'my_stripes_config'
    }  # fmt: skip


def test_every_data_set_is_in_the_guide():
    for name in components.DATASETS:
        assert f'`{name}`' in TEXT, name


@pytest.mark.parametrize('config', ['my_config.py', 'my_stripes_config.py'])
def test_a_config_of_the_guide_trains(there, config):
    words = [config, '--work-dir', 'work', '--cfg-options', *TINY]
    assert run(words) == 0
    assert (there / 'work' / 'iter_2.pth').is_file()
