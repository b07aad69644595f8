"""Metrics of fakes against one reference, as often as wanted."""

from __future__ import annotations

import logging
import math
import traceback
import warnings
from collections.abc import Sequence

from mmengine.logging import print_log

from reacgan_plugin.evaluation.features import View, extract
from reacgan_plugin.evaluation.metrics import FewImages, Metric
from reacgan_plugin.evaluation.quantise import QUANTISATION
from reacgan_plugin.evaluation.ranks import Ranks
from reacgan_plugin.evaluation.result import Evaluation, Setting
from reacgan_plugin.evaluation.rows import Rows


class ImageEvaluator:
    """Looks at reals once and at fakes each time, and computes every metric.

    On several processes all make one, and all evaluate; each looks at its share of the
    images, the first one computes, and all get the same numbers, which are those of a
    single process.

    Args:
        metrics: of :class:`~reacgan_plugin.evaluation.metrics.Metric`.
        reference: a :class:`~reacgan_plugin.evaluation.reference.DatasetReference` or
            ``FileReference``.
        view: how images are looked at.

    Raises: ValueError for two metrics with one number.
    """

    def __init__(self, metrics: Sequence[Metric], reference, view: View):
        self.metrics, self.reference, self.view = list(metrics), reference, view
        names_of(self.metrics)
        self.ranks = Ranks()
        self._real: Rows | None = None
        self._looked = False

    def evaluate(self, source) -> Evaluation:
        """Numbers about a source of fakes, see
        :func:`~reacgan_plugin.evaluation.features.extract`.

        A metric that fails is named in the result, and its traceback is logged.
        Raises: what :func:`extract` raises, on every rank.
        """
        if not self._looked:
            self._real = self.reference.rows(self.view, self.ranks)
            self._looked = True
        wants_logits = any(metric.uses_logits for metric in self.metrics)
        fake = extract(source, self.view, self.ranks, logits=wants_logits)
        return self.ranks.by_first(lambda: self._computed(self._real, fake, source))

    def _computed(self, real: Rows, fake: Rows, source) -> Evaluation:
        found = Evaluation({}, self._setting(real, source))
        found.remarks += _sizes(real, fake)
        for metric in self.metrics:
            name = type(metric).__name__
            try:
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter('always', FewImages)
                    values = metric.compute(real, fake)
            except ValueError as error:  # which says in one line what it takes
                found.failed[name] = ' '.join(str(error).split())
                why = f'{name}: {found.failed[name]}'
                print_log(why, 'current', logging.ERROR)
                continue
            except Exception as error:
                found.failed[name] = f'{type(error).__name__}: {error}'
                trace = traceback.format_exc()
                print_log(f'{name} failed\n{trace}', 'current', logging.ERROR)
                continue
            for number, value in values.items():
                if math.isfinite(value):
                    found.values[number] = float(value)
                else:
                    found.failed[name] = f'{number} is {value}'
            for warning in caught:
                _pass_on(warning, found.remarks)
        return found

    def _setting(self, real: Rows, source) -> Setting:
        extractor = self.view.extractor
        sampled = hasattr(source, 'weights')
        about = {}
        if sampled:
            about = dict(
                weights=source.weights,
                batch_norm=source.batch_norm,
                truncation=source.sampling.truncation,
                seed=source.sampling.seed,
            )
            if source.batch_norm == 'standing':
                about.update(
                    std_max=source.sampling.std_max, std_step=source.sampling.std_step
                )
            if source.batch_norm == 'batch':
                about['batch_size'] = self.view.batch_size
        if extractor.size is not None and self.view.resizer == 'friendly':
            about['filter'] = extractor.friendly
        return Setting(
            extractor=extractor.name,
            resizer='none' if extractor.size is None else self.view.resizer,
            quantisation=QUANTISATION if sampled else 'as stored',
            reference=self.reference.name,
            real_images=real.count,
            fake_images=len(source),
            metrics={type(m).__name__: m.settings() for m in self.metrics},
            **about,
        )


def _sizes(real: Rows, fake: Rows) -> list[str]:
    """A resizer hides that images of two sizes are compared."""
    if real.size is None or fake.size in (None, real.size):
        return []
    sizes = [f'{r.name} {r.size[0]} x {r.size[1]}' for r in (fake, real)]
    return [f'images differ in size, which counts as difference: {", ".join(sizes)}']


def names_of(metrics: Sequence[Metric]) -> dict[str, str | None]:
    """Names of all numbers, and whether ``'less'`` or ``'greater'`` is better.

    Raises: ValueError for two metrics with one number.
    """
    names: dict[str, str | None] = {}
    for metric in metrics:
        if twice := names.keys() & metric.better.keys():
            raise ValueError(f'two metrics give {", ".join(sorted(twice))}')
        names.update(metric.better)
    return names


def _pass_on(warning: warnings.WarningMessage, remarks: list[str]) -> None:
    if issubclass(warning.category, FewImages):
        remarks.append(str(warning.message))
    else:
        warnings.warn_explicit(
            warning.message, warning.category, warning.filename, warning.lineno
        )
