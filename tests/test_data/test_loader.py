import multiprocessing
import os
import signal
from itertools import islice

import numpy as np
import pytest
import torch

from reacgan_plugin.data.dataset import ImageDataset
from reacgan_plugin.data.digits import Digits
from reacgan_plugin.data.loader import build_train_loader
from reacgan_plugin.data.loading import PackImage
from reacgan_plugin.data.workers import belong_to

PLAN = dict(seed=4, micro_batch=3, micro_batches_per_iteration=2, rank=0, world_size=1)


class Noise(ImageDataset):
    """Thirteen random images, flipped at random; counts what it loads."""

    def __init__(self, size=13):
        flip = dict(type='RandomFlip', prob=0.5)
        super().__init__(
            [flip, PackImage()], classes=['a', 'b'], labels=np.arange(size) % 2
        )
        generator = np.random.default_rng(0)
        self.images = generator.integers(0, 256, (size, 4, 4, 3), dtype=np.uint8)
        self.loads = 0

    def load(self, index):
        self.loads += 1
        return dict(img=self.images[index], label=self.labels[index])


def batches(count, *, cfg=(), **plan):
    cfg = {'dataset': Noise(), **dict(cfg)}
    loader = build_train_loader(cfg, **{**PLAN, **plan})
    return list(islice(loader, count))


def assert_equal(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one['image'], other['image'])
        assert torch.equal(one['label'], other['label'])


def test_a_batch_is_what_an_iteration_needs():
    batch = batches(1)[0]
    assert batch['image'].shape == (6, 3, 4, 4)
    assert batch['image'].dtype == torch.uint8
    assert batch['label'].shape == (6,)
    assert batch['label'].dtype == torch.int64


def test_workers_and_flips_change_nothing():
    assert_equal(batches(6), batches(6, cfg=dict(num_workers=2)))


def test_flips_differ_between_epochs():
    first = batches(40, cfg=dict(shuffle=False))
    seen = torch.cat([batch['image'] for batch in first])[::13]
    assert len({image.numpy().tobytes() for image in seen}) == 2


@pytest.mark.parametrize('workers', [0, 2])
def test_resuming_equals_continuing(workers):
    cfg = dict(num_workers=workers)
    assert_equal(batches(9)[5:], batches(4, cfg=cfg, iteration=5))


def test_moving_the_start_of_a_built_loader_equals_resuming():
    loader = build_train_loader(dict(dataset=Noise()), **PLAN)
    loader.sampler.start_at(5 * PLAN['micro_batches_per_iteration'])
    assert_equal(list(islice(loader, 2)), batches(2, iteration=5))


def test_resuming_decodes_nothing_that_is_done():
    noise = Noise()
    loader = build_train_loader(dict(dataset=noise), **{**PLAN, 'iteration': 10_000})
    next(iter(loader))
    assert noise.loads == 6


def test_two_ranks_read_what_one_process_reads():
    alone = batches(4, micro_batch=6, micro_batches_per_iteration=1)
    ranks = [batches(2, rank=rank, world_size=2) for rank in (0, 1)]
    first = torch.cat([rank[0]['image'][:3] for rank in ranks])
    second = torch.cat([rank[0]['image'][3:] for rank in ranks])
    assert torch.equal(first, alone[0]['image'])
    assert torch.equal(second, alone[1]['image'])


def test_building_loads_nothing_and_starts_no_worker():
    noise = Noise()
    loader = build_train_loader(dict(dataset=noise, num_workers=2), **PLAN)
    assert noise.loads == 0
    assert loader._iterator is None
    assert loader.drop_last


def test_iterating_leaves_the_order_of_torchs_own_draws_alone():
    loader = build_train_loader(dict(dataset=Noise()), **PLAN)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    iter(loader)
    assert torch.equal(torch.rand(3), expected)


def test_workers_leave_ctrl_c_to_the_main_process():
    class Handler(Noise):
        def __getitem__(self, index):
            return int(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)

    cfg = dict(dataset=Handler(), num_workers=1)
    loader = build_train_loader(cfg, **PLAN)
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert next(iter(loader)).tolist() == [1] * 6
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, ours)


@pytest.mark.parametrize('of_the_run, code', [(True, 0), (False, 1)])
def test_a_worker_that_starts_after_its_main_process_has_gone_ends(of_the_run, code):
    """Or it would linger for ever."""
    main = os.getpid() if of_the_run else os.getppid()
    child = os.fork()
    if not child:
        belong_to(main)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == code


@pytest.mark.slow
@pytest.mark.parametrize('method', multiprocessing.get_all_start_methods())
def test_workers_work_however_they_are_started(method):
    cfg = dict(dataset=Digits(split='train', pipeline=[PackImage()]))
    by_worker = dict(num_workers=1, multiprocessing_context=method)
    assert_equal(batches(1, cfg=cfg), batches(1, cfg={**cfg, **by_worker}))


def test_a_data_set_smaller_than_a_batch_goes_round():
    """R33: images come again before a batch is short."""
    loader = build_train_loader(dict(dataset=Noise(2)), **PLAN)
    assert next(iter(loader))['label'].sort().values.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_data_set_builds_from_its_config():
    cfg = dict(type='Digits', split='test', pipeline=[PackImage()])
    loader = build_train_loader(dict(dataset=cfg), **PLAN)
    assert next(iter(loader))['image'].shape == (6, 3, 8, 8)


@pytest.mark.parametrize('cfg, message', [
    (dict(num_worker=2), "'num_worker' is not known.*did you mean 'num_workers'"),
    (dict(batch_size=2), 'batch_size is not set here: it follows from total'),
    (dict(sampler=dict(type='InfiniteSampler')), 'sampler is not set here'),
    (dict(dataset=None), 'no dataset; give one'),
    (dict(dataset=[]), 'list has no images'),
    (dict(dataset=dict(type='Digit')), "did you mean 'Digits'"),
])  # fmt: skip
def test_mistakes_in_the_config_are_named(cfg, message):
    with pytest.raises(ValueError, match=message):
        build_train_loader({**dict(dataset=Noise()), **cfg}, **PLAN)


def test_unknown_keys_come_with_the_allowed_ones():
    with pytest.raises(ValueError, match='allowed: dataset, num_workers, pin_memory'):
        build_train_loader(dict(dataset=Noise(), colour='red'), **PLAN)
