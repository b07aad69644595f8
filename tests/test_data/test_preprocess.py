import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import default_collate

from reacgan_plugin.data.class_folder import ClassFolder
from reacgan_plugin.data.loading import CenterCropSquare, LoadImage, PackImage
from reacgan_plugin.data.preprocess import ImagePreprocessor


def batch(image, label=None):
    return dict(image=image, label=torch.tensor([0, 1]) if label is None else label)


@pytest.mark.parametrize('training', [False, True])
def test_bytes_become_the_unit_range(training):
    levels = torch.tensor([0, 255, 51, 204], dtype=torch.uint8)
    image = levels.view(2, 1, 1, 2).expand(2, 3, 4, 2).contiguous()
    result = ImagePreprocessor()(batch(image), training)
    assert result['image'].dtype == torch.float32
    assert result['image'][0, 0, 0].tolist() == [-1.0, 1.0]
    assert result['image'][1, 0, 0].tolist() == pytest.approx([-0.6, 0.6])
    assert result['image'].is_contiguous(memory_format=torch.channels_last)
    assert image[0, 0, 0].tolist() == [0, 255]  # the batch itself is left alone


@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.float64])
def test_float_images_pass_unscaled(dtype):
    image = torch.full((2, 3, 4, 4), 0.5, dtype=dtype)
    result = ImagePreprocessor()(batch(image))
    assert result['image'].dtype == torch.float32
    assert result['image'].unique().tolist() == [0.5]
    assert result['image'].is_contiguous(memory_format=torch.channels_last)


def test_labels_become_long_integers():
    image = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    label = torch.tensor([3, 4], dtype=torch.int32)
    result = ImagePreprocessor()(batch(image, label))
    assert result['label'].dtype == torch.int64
    assert result['label'].tolist() == [3, 4]
    assert sorted(result) == ['image', 'label']


def test_everything_goes_to_the_device_of_the_model():
    preprocessor = ImagePreprocessor().to(torch.device('meta'))
    result = preprocessor(batch(torch.zeros(2, 3, 4, 4, dtype=torch.uint8)))
    assert result['image'].device.type == result['label'].device.type == 'meta'


@pytest.mark.parametrize('bad, message', [
    (batch(torch.zeros(2, 3, 4, 4, dtype=torch.int64)), 'images are torch.int64'),
    (batch(torch.zeros(3, 4, 4)), r'of shape \(3, 4, 4\)'),
    (batch(torch.zeros(2, 3, 4, 4), torch.zeros(2)), 'label is torch.float32'),
    (batch(torch.zeros(2, 3, 4, 4), torch.eye(2).long()), r'label has shape \(2, 2\)'),
    (dict(image=torch.zeros(2, 3, 4, 4)), "no 'label', only"),
])  # fmt: skip
def test_bad_batches_are_described(bad, message):
    with pytest.raises(ValueError, match=message):
        ImagePreprocessor()(bad)


def test_a_red_file_is_still_red_where_the_networks_see_it(tmp_path):
    """R16: through the training pipeline."""
    (tmp_path / 'red').mkdir()
    pixels = np.full((10, 20, 3), [255, 0, 0], dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / 'red' / '1.png')
    resize = dict(
        type='Resize', scale=(8, 8), backend='pillow', interpolation='bicubic'
    )
    flip = dict(type='RandomFlip', prob=0.5)
    pipeline = [LoadImage(), CenterCropSquare(), resize, flip, PackImage()]
    dataset = ClassFolder(tmp_path, pipeline=pipeline)
    image = ImagePreprocessor()(default_collate([dataset[0]]))['image']
    assert image.shape == (1, 3, 8, 8)
    red, green, blue = image[0]
    assert (red == 1).all() and (green == -1).all() and (blue == -1).all()


@pytest.mark.parametrize('label', [[0, 3], [-1, 0]])
def test_a_class_that_does_not_exist_is_refused_before_it_goes_to_a_device(label):
    preprocessor = ImagePreprocessor(num_classes=3).to(torch.device('meta'))
    image = torch.zeros(2, 3, 4, 4)
    with pytest.raises(ValueError, match=r'allowed: 0\.\.2'):
        preprocessor(batch(image, torch.tensor(label)))
    on_the_device = torch.zeros(2, dtype=torch.int64, device='meta')  # has no values
    assert preprocessor(batch(image, on_the_device))['label'].shape == (2,)
