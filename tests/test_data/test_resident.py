from itertools import islice

import numpy as np
import pytest
import torch

from reacgan_plugin.data.dataset import ImageDataset
from reacgan_plugin.data.loader import build_train_loader
from reacgan_plugin.data.loading import PackImage
from reacgan_plugin.data.resident import ResidentLoader, uniform

PLAN = dict(seed=4, micro_batch=3, micro_batches_per_iteration=2, rank=0, world_size=1)
FLIP = dict(type='RandomFlip', prob=0.5)


class Noise(ImageDataset):
    """Thirteen random images; counts what it loads."""

    def __init__(self, *transforms, sizes=(4,) * 13):
        super().__init__(
            [*transforms, PackImage()],
            classes=['a', 'b'],
            labels=np.arange(len(sizes)) % 2,
        )
        generator = np.random.default_rng(0)
        self.images = [
            generator.integers(0, 256, (side, 4, 3), dtype=np.uint8) for side in sizes
        ]
        self.loads = 0

    def load(self, index):
        self.loads += 1
        return dict(img=self.images[index], label=self.labels[index])


def loader(resident=True, dataset=None, **plan):
    cfg = dict(dataset=dataset or Noise(), resident=resident)
    return build_train_loader(cfg, **{**PLAN, **plan})


def batches(count, *args, **plan):
    return list(islice(loader(*args, **plan), count))


def assert_equal(first, second):
    for one, other in zip(first, second, strict=True):
        assert one.keys() == other.keys()
        for key in one:
            assert torch.equal(one[key], other[key])
            assert one[key].dtype == other[key].dtype


@pytest.mark.parametrize(
    'plan', [dict(), dict(iteration=5), dict(rank=1, world_size=2), dict(seed=0)]
)
def test_batches_are_those_of_the_ordinary_loader(plan):
    assert_equal(batches(7, True, **plan), batches(7, None, **plan))


def test_the_start_can_be_moved_before_it_is_read():
    moved = loader()
    moved.sampler.start_at(4)
    assert_equal(islice(moved, 3), batches(5)[2:])


def test_every_image_is_decoded_once():
    dataset = Noise()
    stream = iter(loader(dataset=dataset))
    loads = dataset.loads
    assert loads == 13 + 1  # the first one twice: it tells the size
    for _ in range(9):
        next(stream)
    assert dataset.loads == loads


def test_it_has_what_the_loop_asks_a_loader_for():
    dataset = Noise()
    resident = loader(dataset=dataset)
    assert isinstance(resident, ResidentLoader)
    assert resident.dataset.dataset is dataset
    assert len(resident) == len(loader(resident=None))


def test_about_as_many_images_are_mirrored_as_was_asked_for():
    plain, mirrored = batches(40), batches(40, dict(flip=0.25))
    flipped = 0
    for one, other in zip(plain, mirrored, strict=True):
        assert torch.equal(one['label'], other['label'])
        for image, shown in zip(one['image'], other['image'], strict=True):
            stays = torch.equal(shown, image)
            assert stays or torch.equal(shown, image.flip(2))
            flipped += not stays
    assert 0.15 < flipped / 240 < 0.35


def test_mirroring_is_the_same_on_any_number_of_processes_and_after_resuming():
    whole = batches(6, dict(flip=0.5), micro_batch=6)
    assert_equal(batches(3, dict(flip=0.5), micro_batch=6, iteration=3), whole[3:])
    ranks = [
        batches(6, dict(flip=0.5), rank=rank, world_size=2, micro_batch=3)
        for rank in (0, 1)
    ]
    for batch, *parts in zip(whole, *ranks, strict=True):
        sliced = zip(*(part['image'].chunk(2) for part in parts), strict=True)
        assert torch.equal(torch.cat([torch.cat(s) for s in sliced]), batch['image'])


def test_draws_differ_between_epochs_and_seeds():
    first, second = uniform(0, np.arange(20), 10).reshape(2, 10)
    assert (first != second).all()
    assert (first != uniform(1, np.arange(10), 10)).all()


def test_a_pipeline_that_draws_raises_and_says_what_to_do_instead():
    with pytest.raises(ValueError, match='draws random numbers.*RandomFlip set .*flip'):
        loader(dataset=Noise(FLIP))


def test_images_of_several_sizes_raise():
    with pytest.raises(ValueError, match=r'image 1 is \(3, 5, 4\).*one size'):
        loader(dataset=Noise(sizes=(4, 5)))


def test_a_data_set_above_the_limit_raises_before_it_is_decoded():
    dataset = Noise()
    with pytest.raises(ValueError, match='13 images .*limit_gb=1e-07'):
        loader(dict(limit_gb=1e-7), dataset=dataset)
    assert dataset.loads == 1


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(flips=0.5), "option='flips'.*did you mean 'flip'"),
        (dict(flip=1.5), r'\.flip=1.5 is out of range'),
    ],
)
def test_options_that_are_not_known_raise(options, message):
    with pytest.raises(ValueError, match=f'train_dataloader.resident.*{message}'):
        loader(options)
