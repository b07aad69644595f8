"""Metrics of samples while training goes on, and the best checkpoint by any of them."""

from __future__ import annotations

import math
import os
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.dist import master_only
from mmengine.hooks import Hook

from reacgan_plugin.evaluation.building import built, reference_of
from reacgan_plugin.evaluation.evaluator import ImageEvaluator, names_of
from reacgan_plugin.evaluation.features import View
from reacgan_plugin.evaluation.generators import GeneratedImages, sampling_settings
from reacgan_plugin.evaluation.metrics import Metric
from reacgan_plugin.evaluation.reals import unaltered
from reacgan_plugin.evaluation.reference import DatasetReference
from reacgan_plugin.evaluation.result import Evaluation, read_records, write_json
from reacgan_plugin.hooks.best import BestCheckpoint
from reacgan_plugin.hooks.means import RunningMeansHook
from reacgan_plugin.interrupt import BrokenOff, breakable
from reacgan_plugin.options import one_of, whole
from reacgan_plugin.registry import METRICS, MODELS

INCEPTION = {'type': 'InceptionExtractor'}
NAME = 'metrics.json'


class EvaluationHook(Hook):
    """Evaluates every n iterations and at the end.

    Numbers go to the log with what they depend on, to TensorBoard, to ``metrics.json``,
    and to hooks that have ``after_evaluation(runner, iteration, metrics)``.

    Samples are drawn of a copy of the generator, and no random number of the run is
    used: training goes on as if nothing had happened, also where a metric fails or all
    of them, which the log reports. On several processes the samples are shared out; the
    numbers are those of one.

    Args:
        metrics: configs of metrics, ``[dict(type='FID'), dict(type='IS')]``.
        interval: iterations between two evaluations.
        num_images: samples, every class equally often.
        reference: the reals: config of a data set, or a ``.npz`` file; None: the
            training set without its random transforms and selection. They are decoded
            by as many workers as the training set.
        extractor: config; None: ``dict(type='InceptionExtractor')``.
        resizer: ``'tf'``, ``'clean'`` or ``'friendly'``.
        sampling: settings of :class:`~reacgan_plugin.evaluation.generators.Sampling`,
            such as ``dict(batch_norm='standing')``.
        batch_size: images at a time.
        cache_dir: where rows of a reference are kept for other runs; None: see
            :func:`~reacgan_plugin.evaluation.reference.default_cache`.
        save_best: name of a number, or several, whose best checkpoint is kept.

    Raises: ValueError for settings that are not known, and for weights or data that are
    not there.
    """

    # after the line of the log, before the checkpoint, which keeps the best score
    priority = 'LOW'

    def __init__(
        self,
        metrics: Sequence[Metric | dict],
        *,
        interval: int = 5000,
        num_images: int = 10_000,
        reference: dict | str | os.PathLike | None = None,
        extractor: dict | None = None,
        resizer: str = 'tf',
        sampling: Mapping | None = None,
        batch_size: int = 50,
        cache_dir: str | os.PathLike | None = None,
        save_best: str | Sequence[str] | None = None,
    ):
        self.interval = whole('interval', interval, above=0)
        self.num_images = whole('num_images', num_images, above=0)
        self.sampling = sampling_settings(sampling)
        self.metrics = [built(METRICS, entry, 'metrics') for entry in metrics]
        self.best = best_of(save_best, names_of(self.metrics))
        extractor = built(MODELS, extractor or INCEPTION, 'extractor')
        self.view = View(extractor, resizer, batch_size)
        self.reference, self.cache_dir = reference, cache_dir
        if reference is not None:
            self.reference = reference_of(reference, cache_dir=cache_dir)
        self.said: set[str] = set()

    def before_run(self, runner) -> None:
        loader = runner.cfg.train_dataloader
        if self.reference is None:
            dataset = unaltered(loader.dataset)
            self.reference = reference_of(dataset, cache_dir=self.cache_dir)
        if isinstance(self.reference, DatasetReference):
            self.reference.source.num_workers = loader.get('num_workers', 0)
        self.evaluator = ImageEvaluator(self.metrics, self.reference, self.view)

    def before_train(self, runner) -> None:
        self._forget_after(runner)

    def after_rollback(self, runner) -> None:
        """Called by the ``GuardHook``."""
        self._forget_after(runner)

    def after_train_iter(
        self, runner, batch_idx: int, data_batch=None, outputs: dict | None = None
    ) -> None:
        is_last = batch_idx + 1 == runner.max_iters
        if self.every_n_inner_iters(batch_idx, self.interval) or is_last:
            started = time.perf_counter()
            self.evaluate(runner, batch_idx + 1)
            seconds = time.perf_counter() - started
            for hook in runner.hooks:
                if isinstance(hook, RunningMeansHook):
                    hook.leave_out(seconds)

    def evaluate(self, runner, iteration: int) -> Evaluation | None:
        """Evaluate after so many iterations; None where that failed altogether."""
        try:
            ranks = self.evaluator.ranks
            drawn = self.num_images, self.sampling
            source = ranks.together(
                lambda: GeneratedImages(
                    runner.model, *drawn, batch_size=self.view.batch_size
                )
            )
            with breakable():
                found = self.evaluator.evaluate(source)
            self._note(runner, found, iteration)
            self._keep(runner, found, iteration)
            runner.call_hook(
                'after_evaluation', iteration=iteration, metrics=found.values
            )
            for name, best in self.best.items():
                best.update(runner, found.values.get(name, math.nan), iteration)
            return found
        except BrokenOff:
            runner.logger.warning(
                f'evaluation at iteration {iteration} broken off, since the run is to '
                'stop; tools/evaluate.py does it with the checkpoint'
            )
            return None
        except OSError as error:  # such as a full disk, which has words of its own
            runner.logger.error(f'no evaluation at iteration {iteration}: {error}')
            return None
        except Exception:
            trace = traceback.format_exc()
            runner.logger.error(f'no evaluation at iteration {iteration}\n{trace}')
            return None

    @master_only
    def _note(self, runner, found: Evaluation, iteration: int) -> None:
        runner.logger.info(f'evaluation at iteration {iteration}: {found.line()}')
        for remark in found.remarks:
            if remark not in self.said:
                runner.logger.warning(remark)
        self.said.update(found.remarks)
        scalars = {f'val/{name}': value for name, value in found.values.items()}
        for name, value in scalars.items():
            runner.message_hub.update_scalar(name, value)
        runner.visualizer.add_scalars(scalars, step=iteration)

    @master_only
    def _keep(self, runner, found: Evaluation, iteration: int) -> None:
        """The best checkpoint does not depend on whether the record can be written."""
        path = Path(runner.work_dir, NAME)
        earlier = [r for r in read_records(path) if r['iteration'] < iteration]
        try:
            write_json([*earlier, found.record(iteration=iteration)], path)
        except OSError as error:
            runner.logger.warning(f'{NAME} lacks iteration {iteration}: {error}')

    @master_only
    def _forget_after(self, runner) -> None:
        """Drop records of iterations that are still to come, of a run before this one
        perhaps."""
        path = Path(runner.work_dir, NAME)
        records = read_records(path)
        kept = [each for each in records if each['iteration'] <= runner.iter]
        if len(kept) < len(records):
            write_json(kept, path)


def best_of(
    wanted: str | Sequence[str] | None, names: Mapping[str, str | None]
) -> dict[str, BestCheckpoint]:
    """Who keeps the best checkpoint by each number; ValueError for one that the metrics
    do not give or that is neither better nor worse."""
    wanted = [wanted] if isinstance(wanted, str) else list(wanted or ())
    ranked = {name: better for name, better in names.items() if better is not None}
    for name in wanted:
        one_of('save_best', name, ranked)
    return {name: BestCheckpoint(name, ranked[name]) for name in wanted}
