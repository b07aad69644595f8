from dataclasses import FrozenInstanceError

import pytest

from reacgan_plugin.batch import Batch


@pytest.mark.parametrize(
    'total, world_size, accumulation, d_updates, micro_batch, read, images',
    [
        (64, 1, 1, 1, 64, 1, 64),
        (64, 1, 1, 5, 64, 5, 320),
        (64, 4, 2, 1, 8, 2, 64),
        (2048, 8, 4, 2, 64, 8, 4096),  # ImageNet
        (6, 3, 2, 1, 1, 2, 6),
    ],
)
def test_a_total_is_shared_out(
    total, world_size, accumulation, d_updates, micro_batch, read, images
):
    batch = Batch(total, world_size, accumulation, d_updates)
    assert batch.micro_batch == micro_batch
    assert batch.micro_batches == read
    assert batch.images_per_iteration == images
    assert images == micro_batch * read * world_size


@pytest.mark.parametrize(
    'total, world_size, accumulation, nearest',
    [
        (65, 2, 1, 64),
        (63, 4, 1, 64),
        (66, 4, 2, 64),
        (70, 4, 2, 72),
        (1, 4, 1, 4),  # less than one image each
        (3, 4, 2, 8),
    ],
)
def test_a_total_that_does_not_divide_raises_and_names_the_nearest(
    total, world_size, accumulation, nearest
):
    message = (
        f'total_batch_size={total} does not divide by {world_size} processes x '
        f'{accumulation} accumulation .*nearest that does is {nearest}$'
    )
    with pytest.raises(ValueError, match=message):
        Batch(total, world_size, accumulation)
    assert Batch(nearest, world_size, accumulation).total == nearest


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(total=0), 'total_batch_size=0; allowed: 1 or more'),
        (dict(total=8, accumulation=0), 'model.accumulation=0; allowed: 1 or more'),
        (dict(total=8, d_updates=-1), 'model.d_updates=-1; allowed: 1 or more'),
    ],
)
def test_numbers_below_one_raise(options, message):
    with pytest.raises(ValueError, match=message):
        Batch(**options)


def test_the_number_of_updates_needs_not_divide_the_total():
    assert Batch(64, d_updates=5).micro_batch == 64


def test_a_batch_is_fixed():
    with pytest.raises(FrozenInstanceError):
        Batch(64).total = 32
