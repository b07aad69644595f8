from itertools import islice

import pytest
from torch.utils.data import DataLoader

from reacgan_plugin.data.sampler import GlobalBatchSampler


def take(sampler, count):
    return list(islice(sampler, count))


def in_groups(items, size):
    return [items[start : start + size] for start in range(0, len(items), size)]


def test_positions_count_up_and_every_epoch_is_a_permutation():
    stream = take(GlobalBatchSampler(10, seed=3, micro_batch=4), 30)
    indices, positions = zip(*stream, strict=True)
    assert positions == tuple(range(30))
    epochs = in_groups(indices, 10)
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len(set(epochs)) == 3
    assert all(type(index) is int for index in indices)


def test_the_seed_decides_the_order():
    streams = [
        take(GlobalBatchSampler(50, seed=seed, micro_batch=4), 50) for seed in (0, 1, 0)
    ]
    assert streams[0] == streams[2] != streams[1]


@pytest.mark.parametrize('size', [100, 21, 7, 1])
@pytest.mark.parametrize('world_size, micro_batch', [(2, 4), (3, 2), (4, 1)])
def test_ranks_side_by_side_are_one_process(size, world_size, micro_batch):
    """R33: every rank has whole batches, whatever the number of images."""
    whole = world_size * micro_batch
    alone = take(GlobalBatchSampler(size, seed=5, micro_batch=whole), 6 * whole)
    options = dict(seed=5, micro_batch=micro_batch, world_size=world_size)
    ranks = [
        take(GlobalBatchSampler(size, rank=rank, **options), 6 * micro_batch)
        for rank in range(world_size)
    ]
    per_rank = [in_groups(rows, micro_batch) for rows in ranks]
    assert [batch for batches in zip(*per_rank, strict=True) for batch in batches] == (
        in_groups(alone, micro_batch)
    )


@pytest.mark.parametrize('rank', [0, 1])
def test_starting_later_equals_continuing(rank):
    options = dict(seed=1, micro_batch=3, rank=rank, world_size=2)
    whole = take(GlobalBatchSampler(11, **options), 60)
    assert take(GlobalBatchSampler(11, start=7, **options), 39) == whole[21:]
    moved = GlobalBatchSampler(11, **options)
    moved.start_at(7)
    assert take(moved, 39) == whole[21:]


def test_far_positions_cost_nothing_to_reach():
    """R27: nothing is skipped one by one."""
    sampler = GlobalBatchSampler(10, seed=0, micro_batch=4)
    sampler.start_at(10**12)
    first = 4 * 10**12
    assert [position for _, position in take(sampler, 2)] == [first, first + 1]


def test_without_shuffling_the_images_come_in_order():
    stream = take(GlobalBatchSampler(3, seed=0, micro_batch=2, shuffle=False), 7)
    assert [index for index, _ in stream] == [0, 1, 2, 0, 1, 2, 0]


def test_every_iterator_begins_at_the_start():
    sampler = GlobalBatchSampler(10, seed=0, micro_batch=4)
    assert take(sampler, 5) == take(sampler, 5)


def test_a_loader_of_it_has_no_end_that_a_run_could_reach():
    sampler = GlobalBatchSampler(10, seed=0, micro_batch=4, world_size=3)
    loader = DataLoader(range(10), batch_size=2048, sampler=sampler, drop_last=True)
    assert len(loader) > 10**15


def test_a_plain_data_loader_takes_it():
    class Echo:
        def __len__(self):
            return 10

        def __getitem__(self, item):
            return item

    sampler = GlobalBatchSampler(10, seed=0, micro_batch=2)
    loader = DataLoader(Echo(), batch_size=4, sampler=sampler, drop_last=True)
    batches = list(islice(loader, 5))  # twice round the data set
    positions = [position for _, rows in batches for position in rows.tolist()]
    assert positions == list(range(20))


@pytest.mark.parametrize('options, message', [
    (dict(dataset_size=0), 'dataset_size=0; allowed: 1 or more'),
    (dict(micro_batch=0), 'micro_batch=0'),
    (dict(seed=-1), 'seed=-1'),
    (dict(rank=2, world_size=2), r'rank=2; allowed: 0..1'),
    (dict(rank=-1), r'rank=-1'),
    (dict(start=-1), 'start=-1'),
])  # fmt: skip
def test_bad_options_say_what_is_allowed(options, message):
    with pytest.raises(ValueError, match=message):
        GlobalBatchSampler(**{**dict(dataset_size=4, seed=0, micro_batch=1), **options})
