"""The training loader: config in, seeded and resumable batches out."""

from __future__ import annotations

import signal

import torch
from torch.utils.data import DataLoader, default_collate

from reacgan_plugin.data.dataset import SeededDataset
from reacgan_plugin.data.resident import ResidentLoader, resident_options
from reacgan_plugin.data.sampler import GlobalBatchSampler
from reacgan_plugin.options import did_you_mean
from reacgan_plugin.registry import DATASETS, build

# What a config may say; the batch size follows from `total_batch_size` instead.
ALLOWED_KEYS = (
    'dataset',
    'num_workers',
    'pin_memory',
    'prefetch_factor',
    'shuffle',
    'class_balanced',
    'timeout',
    'multiprocessing_context',
    'resident',
)
DECIDED_ELSEWHERE = {
    'batch_size': 'it follows from total_batch_size of the config',
    'sampler': 'the training stream has its own, see shuffle',
    'batch_sampler': 'the training stream has its own, see shuffle',
    'drop_last': 'the training stream is endless, so no batch is short',
    'collate_fn': 'batches are dicts of stacked tensors',
    'persistent_workers': 'one iterator lasts the whole run',
    'worker_init_fn': 'draws are seeded by position, not by worker',
}


def build_train_loader(
    cfg: dict,
    *,
    seed: int,
    micro_batch: int,
    micro_batches_per_iteration: int,
    rank: int,
    world_size: int,
    iteration: int = 0,
) -> DataLoader | ResidentLoader:
    """An endless loader whose every batch is what one iteration of this rank needs.

    Args:
        cfg: dataset (a config dict or a data set), and optionally num_workers,
            shuffle, pin_memory, prefetch_factor, timeout and
            multiprocessing_context with torch's meanings. ``class_balanced=True`` shows
            every class equally often, however many images it has. ``resident=True``, or
            a dict of its options, keeps a small data set on the device, see
            :class:`~reacgan_plugin.data.resident.ResidentLoader`; no workers then.
        seed: of the run, the same on all ranks.
        micro_batch: rows of one rank in one forward pass.
        micro_batches_per_iteration: discriminator updates x accumulation steps.
        rank: of this process.
        world_size: number of processes.
        iteration: how many iterations are done; nothing is decoded to get there.

    Batches are dict(image=(B, C, H, W) uint8, label=(B,) int64) with B = micro_batch x
    micro_batches_per_iteration. Workers start when ``iter()`` is called, not before, so
    ``loader.sampler.start_at`` may still move the start.
    Raises: ValueError for unknown keys, a missing or an empty data set, and one without
    labels that is to be balanced.
    """
    _check_keys(cfg)
    dataset = _build_dataset(cfg)
    sampler = GlobalBatchSampler(
        len(dataset),
        seed=seed,
        micro_batch=micro_batch,
        rank=rank,
        world_size=world_size,
        shuffle=cfg.get('shuffle', True),
        labels=_balanced_labels(dataset) if cfg.get('class_balanced') else None,
        start=iteration * micro_batches_per_iteration,
    )
    batch_size = micro_batch * micro_batches_per_iteration
    seeded = SeededDataset(dataset, seed)
    if cfg.get('resident'):
        options = resident_options(cfg['resident'])
        return ResidentLoader(seeded, sampler, batch_size, **options)
    return DataLoader(
        seeded,
        batch_size=batch_size,
        sampler=sampler,
        drop_last=True,
        collate_fn=default_collate,
        worker_init_fn=_leave_signals_to_the_main_process,
        # Its own generator, since iter() draws a number and would otherwise move the
        # global one. The number itself is not used by anything here.
        generator=torch.Generator().manual_seed(seed),
        **_worker_options(cfg),
    )


def _check_keys(cfg: dict) -> None:
    for key in cfg:
        if key in DECIDED_ELSEWHERE:
            raise ValueError(
                f'train_dataloader: {key} is not set here: {DECIDED_ELSEWHERE[key]}'
            )
        if key not in ALLOWED_KEYS:
            raise ValueError(
                f'train_dataloader: {key!r} is not known; allowed: '
                f'{", ".join(ALLOWED_KEYS)}{did_you_mean(key, ALLOWED_KEYS)}'
            )


def _build_dataset(cfg: dict):
    if cfg.get('dataset') is None:
        raise ValueError(
            "train_dataloader: no dataset; give one, such as dataset=dict(type='Digits'"
            ", split='train', pipeline=[...])"
        )
    dataset = build(DATASETS, cfg['dataset'])
    if len(dataset) == 0:
        raise ValueError(f'train_dataloader: {type(dataset).__name__} has no images')
    return dataset


def _balanced_labels(dataset):
    labels = getattr(dataset, 'labels', None)
    if labels is None:
        raise ValueError(
            f'train_dataloader.class_balanced: {type(dataset).__name__} has no labels, '
            'one integer an image'
        )
    return labels


def _worker_options(cfg: dict) -> dict:
    """torch's options; workers are two batches ahead each."""
    workers = cfg.get('num_workers', 0)
    options = dict(
        num_workers=workers,
        pin_memory=cfg.get('pin_memory', torch.cuda.is_available()),
        timeout=cfg.get('timeout', 0),
    )
    if workers > 0:  # torch refuses these two without workers
        options.update(
            prefetch_factor=cfg.get('prefetch_factor', 2),
            multiprocessing_context=cfg.get('multiprocessing_context'),
        )
    return options


def _leave_signals_to_the_main_process(worker_id: int) -> None:
    """Ctrl-C and a launcher's SIGTERM reach workers too; one that dies of it would end
    the run before the main process has saved its checkpoint. Workers leave by
    themselves when the main process is gone. Only the first SIGTERM is passed over:
    python ends workers that are left over by another, and waits for them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _listen_from_now_on)


def _listen_from_now_on(number: int, frame) -> None:
    signal.signal(number, signal.SIG_DFL)
