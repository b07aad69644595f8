import pytest
import torch
from mmengine.config import Config
from PIL import Image

from reacgan_plugin.sampling.real_images import image_batches, real_images

PIPELINE = [dict(type='LoadImage'), dict(type='PackImage')]
EMPTY = Config(dict(model=dict()))


def written(path, level, size=(8, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new('RGB', size, (level,) * 3).save(path)


def config_of(dataset, **loader) -> Config:
    return Config(dict(train_dataloader=dict(dataset=dataset, **loader)))


def test_all_images_below_a_folder_come_in_order_and_of_one_size(tmp_path):
    written(tmp_path / 'b.png', 20)
    written(tmp_path / 'a' / 'deep' / 'x.PNG', 10, size=(20, 12))
    written(tmp_path / 'c' / 'x.png', 30)
    (tmp_path / 'notes.txt').touch()
    images = real_images(tmp_path, EMPTY, (4, 4))
    batches = list(image_batches(images, 2))
    assert [batch.shape for batch in batches] == [(2, 3, 4, 4), (1, 3, 4, 4)]
    assert torch.cat(batches)[:, 0, 0, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize('name', ['', 'nowhere', 'file'])
def test_what_is_no_folder_raises(tmp_path, name):
    (tmp_path / 'file').touch()
    with pytest.raises(ValueError, match='is not a folder'):
        real_images(name and tmp_path / name, EMPTY, (4, 4))


@pytest.mark.parametrize('workers', [0, 1])
def test_an_image_that_does_not_load_is_named_in_one_line(tmp_path, workers):
    written(tmp_path / 'a.png', 1)
    (tmp_path / 'b.png').write_bytes(b'no image')
    config = config_of(None, num_workers=workers)
    images = real_images(tmp_path, config, (8, 8))
    with pytest.raises(ValueError, match=r'cannot read the image .*b\.png') as caught:
        list(image_batches(images, 1))
    assert '\n' not in str(caught.value)


def test_the_data_set_of_a_config_comes_without_its_random_transforms():
    flip = dict(type='RandomFlip', prob=1.0)
    pipeline = [PIPELINE[0], flip, PIPELINE[1]]
    digits = dict(type='Digits', split='test', pipeline=pipeline)
    config = config_of(dict(type='InstanceSelection', dataset=digits))
    images = real_images(None, config, (8, 8))
    assert len(images) == 450
    plain = config_of(dict(type='Digits', split='test', pipeline=PIPELINE))
    expected = real_images(None, plain, (8, 8)).dataset[0]['image']
    assert torch.equal(next(image_batches(images, 5))[0], expected)


def test_grey_images_stand_beside_samples_in_colour():
    pipeline = [dict(type='LoadImage', channels=1), PIPELINE[1]]
    digits = dict(type='Digits', pipeline=pipeline, channels=1)
    images = real_images(None, config_of(digits), (8, 8))
    assert next(image_batches(images, 5)).shape == (5, 3, 8, 8)


def test_a_config_without_data_asks_for_a_folder():
    with pytest.raises(ValueError, match='--neighbours DIR'):
        real_images(None, EMPTY, (8, 8))


def test_images_of_another_size_raise():
    config = config_of(dict(type='Digits', pipeline=PIPELINE))
    with pytest.raises(ValueError, match='8 x 8, but the networks expect 32 x 32'):
        real_images(None, config, (32, 32))
