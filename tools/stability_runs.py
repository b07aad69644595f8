"""Training runs of equal processor time that are watched and judged on their way.

A run's file holds what it has found so far; a finished one is not run again.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import re
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from stability_judge import Judge

from reacgan_plugin.config import configs_folder, load_config
from reacgan_plugin.diagnostics import diagnose
from reacgan_plugin.runner import GANRunner
from reacgan_plugin.writing import write_text

DEMO = 'biggan_reacgan_digits.py'
WATCHED_EVERY = 10  # iterations
EVALUATIONS = 12  # of a run, evenly over its time
KEPT = (
    'feature_norm',
    'feature_norm_fake',
    'class_gradient_norm',
    'class_gradient_norm_whole',
    'class_accuracy',
    'easy_positives',
    'easy_negatives',
)


class Spec(NamedTuple):
    """One run."""

    name: str  # in tables and legends
    loss: dict
    data: str  # 'digits' or 'pairs'
    seed: int
    seconds: float  # of processor time for each thread
    threads: int

    def path(self, folder: Path) -> Path:
        """Where its results are: beside those of a run of this name in another set-up,
        if there are some."""
        name = re.sub(r'[^a-zA-Z0-9.=]+', '-', self.name)
        stem = f'{self.data}_{name}_{self.seconds:g}s_seed{self.seed}'
        plain = folder / f'{stem}.json'
        there = read(plain)
        if not there or self.is_of(there):
            return plain
        content = json.dumps(self, sort_keys=True).encode()
        mark = blake2b(content, digest_size=4).hexdigest()
        return folder / f'{stem}_{mark}.json'

    def is_of(self, found: dict) -> bool:
        """Whether a file's content is of this very run."""
        plain = json.loads(json.dumps(self._asdict()))  # as a file has it
        return plain == {key: found.get(key) for key in plain}


def configured(data: str) -> Config:
    """The demo's settings, on the digits or on pairs of them in 100 classes."""
    config, _ = load_config(DEMO)
    config.custom_hooks, config.visualizer = [], None
    config.param_scheduler = None  # whose end is not known beforehand
    config.log_level = 'ERROR'
    if data == 'pairs':
        folder = configs_folder() / '_base_' / 'datasets'
        pairs = Config.fromfile(folder / 'digit_pairs_32.py')
        config.train_dataloader.dataset = pairs.train_dataloader.dataset
        config.held_out = pairs.held_out
        config.model.num_classes, config.total_batch_size = 100, 64
    return config


def judge_of(data: str) -> Judge:
    """Who judges all runs on a data set."""
    config = configured(data)
    return Judge(config.train_dataloader.dataset, config.held_out)


def results(
    specs: Sequence[Spec], folder: Path, *, jobs: int = 1
) -> Iterator[tuple[Spec, dict]]:
    """Specs with what their runs found, those first that are finished already.

    Args:
        specs: the runs, all on one data set.
        folder: where their files are.
        jobs: runs side by side, each in a process of its own; 1: one after the other
            in this one.
    """
    todo = []
    for spec in specs:
        found = read(spec.path(folder))
        if found.get('finished') and spec.is_of(found):
            yield spec, found
        else:
            todo.append(spec)
    if not todo:
        return
    judge = judge_of(todo[0].data)
    if jobs == 1:
        for spec in todo:
            yield spec, run(spec, folder, judge)
        return
    with ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context('spawn'),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_DFL),  # Ctrl-C ends them without a word
    ) as pool:
        started = {pool.submit(run, spec, folder, judge): spec for spec in todo}
        for done in as_completed(started):
            yield started[done], done.result()


def run(spec: Spec, folder: Path, judge: Judge) -> dict:
    """Train, and write what is found as it goes; returns it."""
    torch.set_num_threads(spec.threads)
    found = dict(
        spec._asdict(), real=judge.real, finished=False, diagnostics=[], evaluations=[]
    )
    with tempfile.TemporaryDirectory() as work_dir:
        config = configured(spec.data)
        config.model.loss, config.work_dir = spec.loss, work_dir
        config.randomness = dict(seed=spec.seed)
        runner = GANRunner.from_cfg(config)
        runner.prepare()
        watch(runner, spec, found, judge, spec.path(folder))
        MMLogger.get_current_instance().handlers.clear()  # of the folder's log file
    return found


def watch(runner, spec: Spec, found: dict, judge: Judge, path: Path) -> None:
    """Step the model for the processor time of a spec, which no measurement counts
    to, and another program's load does not either."""
    model, optimizers = runner.model.train(), runner.optim_wrapper
    batches, iteration, spent = iter(runner.train_loop.dataloader), 0, 0.0
    budget = spec.seconds * spec.threads
    while spent < budget:
        data = next(batches)
        if iteration % WATCHED_EVERY == 0:
            seen = {k: v for k, v in diagnose(model, data).items() if k in KEPT}
            values = torch.stack(list(seen.values())).tolist()
            seen = dict(zip(seen, map(_plain, values), strict=True))
            found['diagnostics'].append(
                dict(iteration=iteration, seconds=spent, **seen)
            )
        before = time.process_time()
        model.train_step(data, optimizers)
        spent, iteration = spent + time.process_time() - before, iteration + 1
        if spent >= budget * (len(found['evaluations']) + 1) / EVALUATIONS:
            numbers = {k: _plain(v) for k, v in judge.judge(model).items()}
            found['evaluations'].append(
                dict(iteration=iteration, seconds=spent, **numbers)
            )
            found.update(iterations=iteration, finished=spent >= budget)
            write(found, path)


def read(path: Path) -> dict:
    """What a run wrote; {} of none."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def write(found: dict, path: Path) -> None:
    """Written aside and renamed, so that a kill leaves a whole file."""
    write_text(path, json.dumps(found, indent=1))


def _plain(value: float) -> float | None:
    """null for what is not finite, which JSON has not."""
    return float(value) if math.isfinite(value) else None
