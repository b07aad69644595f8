"""The training loader: config in, seeded and resumable batches out."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from functools import partial

import torch
from torch.utils.data import DataLoader, default_collate

from reacgan_plugin.data.dataset import SeededDataset
from reacgan_plugin.data.loading import BrokenImage
from reacgan_plugin.data.resident import ResidentLoader, resident_options
from reacgan_plugin.data.sampler import GlobalBatchSampler
from reacgan_plugin.data.workers import belong_to, leave_ctrl_c, leave_first_sigterm
from reacgan_plugin.options import did_you_mean, flag, in_range, one_of, whole
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


def _no_plain_value(key: str, value) -> None:
    listed = isinstance(value, list | tuple)  # of samples, in a program's own hands
    if isinstance(value[0] if listed and value else value, str | int | float):
        raise ValueError(
            f"{key}={value!r} is no data set; allowed: dict(type='ClassFolder', ...)"
        )


CHECKS = {
    'dataset': _no_plain_value,
    **dict.fromkeys(('shuffle', 'class_balanced', 'pin_memory'), flag),
    'num_workers': partial(whole, above=-1),
    'prefetch_factor': partial(whole, above=0),
    'timeout': partial(in_range, above=-1),
    'multiprocessing_context': partial(
        one_of, allowed=(None, *multiprocessing.get_all_start_methods())
    ),
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
    check_loader(cfg)
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
        worker_init_fn=partial(_begin_worker, os.getpid()),
        # Its own generator, since iter() draws a number and would otherwise move the
        # global one. The number itself is not used by anything here.
        generator=torch.Generator().manual_seed(seed),
        **_worker_options(cfg),
    )


def next_batch(batches: Iterator[dict]) -> tuple[dict | None, str | None]:
    """The next batch, or in one line why there is none: an image, a file or a worker
    that is gone. Other errors pass."""
    try:
        return next(batches), None
    except BrokenImage as error:
        return None, error.reason
    except OSError as error:  # a worker puts its traceback before it
        return None, str(error).strip().splitlines()[-1]
    except RuntimeError as error:
        if not is_of_a_worker(error):
            raise
        return None, str(error)


def is_of_a_worker(error: RuntimeError) -> bool:
    """Whether a worker was killed or did not answer; the former may come up anywhere,
    since torch says it when the signal arrives."""
    return str(error).startswith('DataLoader ')


def check_loader(cfg: dict) -> None:
    """ValueError for a setting of the loader that is not known or not allowed."""
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
    for key, check in CHECKS.items():
        if key in cfg:
            check(f'train_dataloader.{key}', cfg[key])


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


def _begin_worker(main: int, worker_id: int) -> None:
    leave_ctrl_c()
    leave_first_sigterm()
    belong_to(main)
