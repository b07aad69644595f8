"""Worlds of ranks that evaluate the same images: what each rank ends with, into
files."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch._dynamo  # which DDP imports, in the forks of this process
from evaluation_parts import (
    GivenImages,
    Quadrants,
    averaged_gan,
    evaluator,
    random_images,
    samples,
)
from forks import fork_ranks

from reacgan_plugin.distributed import end_process_group, rank, start_process_group
from reacgan_plugin.evaluation.features import View, extract
from reacgan_plugin.evaluation.metrics import Metric
from reacgan_plugin.evaluation.ranks import RankFailed, Ranks

WORLDS = (1, 2)
COUNT = 103


class Broken(GivenImages):
    """One rank cannot read its images."""

    def batches(self, parts):
        if rank() == 1:
            raise ValueError('a broken file')
        return super().batches(parts)


class Fails(Metric):
    """A metric that fails where metrics are computed."""

    better = {'broken': 'less'}

    def compute(self, real, fake):
        raise ArithmeticError('on the first rank alone')


def rows_of(ranks: Ranks, count: int, keep: int | None = None) -> dict | None:
    """What the first rank has."""
    images = GivenImages(random_images(count), np.arange(count))
    view = View(Quadrants(), 'tf', 10)
    rows = extract(images, view, ranks, keep=keep, logits=True)
    if rows is None:
        return None
    gaussian = rows.fitted()
    return dict(
        count=rows.count,
        features=rows.features,
        logits=rows.logits,
        labels=torch.from_numpy(rows.labels),
        mean=torch.from_numpy(gaussian.mean),
        covariance=torch.from_numpy(gaussian.covariance),
    )


def error_of(source) -> str:
    """How an evaluation ends."""
    try:
        evaluator().evaluate(source)
    except (ValueError, RankFailed) as error:
        return f'{type(error).__name__}: {error}'
    return 'none'


def numbers(**sampling) -> dict:
    """Of samples of a model."""
    found = evaluator(batch_size=10).evaluate(samples(averaged(), COUNT, **sampling))
    return dict(values=found.values, fakes=found.setting.fake_images)


def averaged():
    torch.manual_seed(0)
    return averaged_gan()


def main(folder: str) -> None:
    torch.set_num_threads(1)
    start_process_group('pytorch')
    ranks = Ranks()
    found = dict(
        rows=rows_of(ranks, COUNT),
        few=rows_of(ranks, 3),
        part=rows_of(ranks, COUNT, keep=20),
        numbers=numbers(),
        standing=numbers(batch_norm='standing', std_max=4, std_step=3),
        batch=numbers(batch_norm='batch'),
        error=error_of(Broken(random_images(COUNT))),
        failed=evaluator([Fails()]).evaluate(GivenImages(random_images(20))).failed,
    )
    torch.save(found, f'{folder}/{rank()}.pt')
    end_process_group()


if __name__ == '__main__':
    (folder,) = sys.argv[1:]
    for world in WORLDS:
        of_world = Path(folder, str(world))
        of_world.mkdir()
        fork_ranks(world, partial(main, str(of_world)))
