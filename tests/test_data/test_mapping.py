import gzip
import struct

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_data import PIPELINE, pixels, png, put, read_back
from torch.utils.data import TensorDataset
from torchvision.datasets import FashionMNIST, ImageFolder
from torchvision.transforms import ToTensor

from reacgan_plugin.config import checkpoint_config, config_json, load_config
from reacgan_plugin.config_checks import check_types
from reacgan_plugin.data import mapping
from reacgan_plugin.data.checks import check_dataset
from reacgan_plugin.data.loading import LoadImage, PackImage
from reacgan_plugin.data.mapping import MappingDataset
from reacgan_plugin.evaluation.reals import unaltered
from reacgan_plugin.registry import DATASETS, check_keywords, check_type

IMAGES = pixels(4)
CLASSES = [1, 0, 2, 1]


class Features(dict):
    """A schema as Hugging Face's data sets have it."""

    names = ['ant', 'bee', 'cat']


class Columns:
    """A table of columns that counts how many images were decoded."""

    def __init__(self, images, **columns):
        self.columns = dict(image=images, **columns)
        self.features = {name: Features() for name in columns}
        self.column_names = list(self.columns)
        self.decoded = 0

    def __len__(self):
        return len(self.columns['image'])

    def __getitem__(self, key):
        if isinstance(key, str):
            assert key != 'image'
            return self.columns[key]
        self.decoded += 1
        return {name: column[key] for name, column in self.columns.items()}


def opened(dataset, **options):
    return MappingDataset(dataset, pipeline=PIPELINE, **options)


@pytest.mark.parametrize('as_stored', [
    Image.fromarray,
    np.array,
    lambda image: dict(bytes=png(image), path=None),
])  # fmt: skip
def test_a_table_of_columns_gives_its_pixels(as_stored):
    source = Columns([as_stored(image) for image in IMAGES], label=CLASSES)
    dataset = opened(source)
    assert dataset.labels.tolist() == CLASSES
    assert source.decoded == 0
    assert dataset.classes == ['ant', 'bee', 'cat']
    assert np.array_equal(read_back(dataset), IMAGES)
    assert dataset[2]['label'] == 2
    check_dataset(dataset, 3)


def test_other_columns_can_be_named():
    source = Columns(IMAGES, fine=CLASSES, coarse=[0] * 4)
    source.columns['picture'] = source.columns.pop('image')
    source.__class__ = type('Pictures', (Columns,), dict(__len__=lambda self: 4))
    dataset = opened(source, image='picture', label='fine')
    assert dataset.labels.tolist() == CLASSES
    assert np.array_equal(read_back(dataset), IMAGES)
    with pytest.raises(ValueError, match="no 'image', found .*image= names the column"):
        opened(source, label='fine')[0]


def test_a_path_in_a_column_is_read(tmp_path):
    put(tmp_path / 'a.png', IMAGES[0])
    source = Columns([dict(bytes=None, path=str(tmp_path / 'a.png'))], label=[0])
    assert np.array_equal(read_back(opened(source)), IMAGES[:1])


def test_palettes_and_alpha_mean_what_they_mean_in_a_file():
    palette = Image.fromarray(IMAGES[0]).quantize(8)
    alpha = Image.fromarray(np.dstack([IMAGES[0], IMAGES[0][..., 0]]))
    dataset = opened(Columns([palette, alpha], label=[0, 1]))
    expected = np.array(palette.convert('RGB'))
    assert np.array_equal(dataset[0]['image'].numpy().transpose(1, 2, 0), expected)
    results = dict(img_path='a.png', img_bytes=png(np.array(alpha)))
    loaded = LoadImage().transform(results)['img']
    assert np.array_equal(dataset[1]['image'].numpy().transpose(1, 2, 0), loaded)


def fashion(root):
    """Files as torchvision's FashionMNIST finds them."""
    folder = root / 'FashionMNIST' / 'raw'
    folder.mkdir(parents=True)
    for part in ('train', 't10k'):
        for kind, data in (('images-idx3', IMAGES[..., 0]), ('labels-idx1', CLASSES)):
            array = np.asarray(data, np.uint8)
            header = struct.pack(f'>i{array.ndim}i', 0x800 + array.ndim, *array.shape)
            content = header + array.tobytes()
            (folder / f'{part}-{kind}-ubyte').write_bytes(content)
            (folder / f'{part}-{kind}-ubyte.gz').write_bytes(gzip.compress(content))
    return str(root)


def test_a_data_set_of_torchvision_comes_by_config(tmp_path):
    config = dict(type='torchvision.datasets.FashionMNIST', root=fashion(tmp_path))
    check_type(DATASETS, config)
    check_keywords(DATASETS, config, 'train_dataloader.dataset.dataset')
    dataset = MappingDataset(config, pipeline=[LoadImage(channels=1), PackImage()])
    assert np.array_equal(read_back(dataset)[..., 0], IMAGES[..., 0])
    assert dataset.labels.tolist() == CLASSES
    assert dataset.classes == FashionMNIST.classes
    check_dataset(dataset, 10)


def test_a_reference_is_built_of_the_same_data_set_inside():
    inner = dict(type='torchvision.datasets.FashionMNIST', root='data')
    config = dict(type='MappingDataset', dataset=inner, pipeline=[])
    assert unaltered(config) == config


def test_a_checkpoint_that_names_one_needs_to_be_trusted(tmp_path):
    config, _ = load_config('biggan_reacgan_digits.py')
    inner = dict(type='torchvision.datasets.FashionMNIST', root='data')
    config.train_dataloader.dataset = dict(
        type='MappingDataset', dataset=inner, pipeline=[]
    )
    check_types(config)
    path = tmp_path / 'iter_1.pth'
    torch.save({'meta': {'config': config_json(config)}}, path)
    with pytest.raises(ValueError, match='FashionMNIST.*--trust-imports'):
        checkpoint_config(path)
    read = checkpoint_config(path, trust_imports=True)
    assert read.train_dataloader.dataset.dataset.root == 'data'


def test_a_folder_of_torchvision_has_its_classes(tmp_path):
    for row, label in enumerate(CLASSES):
        put(tmp_path / f'class_{label}' / f'{row}.png', IMAGES[row])
    dataset = opened(ImageFolder(tmp_path))
    assert dataset.classes == ['class_0', 'class_1', 'class_2']
    assert np.array_equal(read_back(dataset), IMAGES[[1, 0, 3, 2]])


def test_labels_that_no_attribute_says_are_read_once(monkeypatch):
    said = []
    monkeypatch.setattr(mapping, 'print_log', lambda text, logger: said.append(text))
    pairs = list(zip(IMAGES, CLASSES, strict=True))
    dataset = opened(pairs)
    assert dataset.labels.tolist() == CLASSES
    assert dataset.classes == ['0', '1', '2']
    assert said == ['list does not say its labels: all of its 4 items are read once']
    assert np.array_equal(read_back(dataset), IMAGES)


def test_tensors_of_labels_are_taken():
    source = Columns(IMAGES)
    source.targets = torch.tensor(CLASSES)
    assert opened(source).labels.tolist() == CLASSES


@pytest.mark.parametrize('labels', [
    np.eye(4, dtype=int), [0.5, 1.0, 2.0, 0.0], ['a', 'b', 'c', 'd'], [0, 1]
])  # fmt: skip
def test_labels_that_are_not_one_class_are_refused(labels):
    with pytest.raises(ValueError, match='Columns: labels are .* one class an image'):
        opened(Columns(IMAGES, label=labels))


def test_transforms_of_the_data_set_itself_are_refused(tmp_path):
    put(tmp_path / 'a' / '0.png', IMAGES[0])
    dataset = opened(ImageFolder(tmp_path, transform=ToTensor()))
    with pytest.raises(ValueError, match=r'ImageFolder\[0\] is a Tensor; allowed: '):
        dataset[0]


def test_items_of_another_kind_are_named():
    with pytest.raises(ValueError, match="TensorDataset: an item has no 'label'"):
        opened(TensorDataset(torch.zeros(3, 1)))


def test_a_type_that_cannot_be_imported_is_named():
    with pytest.raises(ValueError, match="type='torchvision.datasets.Fashion' is not"):
        opened(dict(type='torchvision.datasets.Fashion', root='x'))
