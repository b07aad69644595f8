"""All logged scalars in one plain file, one JSON object a line."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from numbers import Real
from pathlib import Path

from mmengine.dist import master_only
from mmengine.hooks import Hook, LoggerHook

from reacgan_plugin.writing import write_text

NAME = 'metrics.jsonl'
TIMES = ('time', 'data_time')  # of every iteration; other scalars are means already


class MetricsFileHook(Hook):
    """Writes ``metrics.jsonl`` into the work dir.

    A line is an object with ``iteration`` and the scalars of one kind: those of the log
    line at the logger's interval under their names there, metrics as ``val/...``,
    diagnostics as ``diagnostics/...``. A number that is not finite is null. Lines are
    written whole, so that a kill leaves whole lines; those of iterations that are run
    again after a resume replace what the killed run had. (mmengine's ``scalars.json``
    starts anew in another folder then, and holds such iterations twice.)
    """

    priority = 'LOW'  # after the means are taken

    def before_train(self, runner) -> None:
        loggers = [hook for hook in runner.hooks if isinstance(hook, LoggerHook)]
        self.interval = loggers[0].interval if loggers else 50
        self._forget_after(runner)

    def after_train_iter(
        self, runner, batch_idx: int, data_batch=None, outputs: dict | None = None
    ) -> None:
        if not self.every_n_inner_iters(batch_idx, self.interval):
            return
        scalars = {}
        for name, history in runner.message_hub.log_scalars.items():
            if name.startswith('train/'):
                name = name.removeprefix('train/')
                recent = self.interval if name in TIMES else 1
                scalars[name] = history.mean(recent)
        self._write(runner, batch_idx + 1, scalars)

    def after_evaluation(self, runner, iteration: int, metrics: dict) -> None:
        """Called by the ``EvaluationHook``."""
        scalars = {f'val/{name}': value for name, value in metrics.items()}
        self._write(runner, iteration, scalars)

    def after_val_epoch(self, runner, metrics: dict | None = None) -> None:
        """Of stock models, which mmengine's own loop validates."""
        self.after_evaluation(runner, runner.iter, metrics or {})

    def after_diagnostics(self, runner, iteration: int, scalars: dict) -> None:
        """Called by the ``DiagnosticsHook``."""
        self._write(runner, iteration, scalars)

    def after_rollback(self, runner) -> None:
        """Called by the ``GuardHook``."""
        self._forget_after(runner)

    @master_only
    def _forget_after(self, runner) -> None:
        """Drop lines of iterations that are still to come, and one that is cut off."""
        path = Path(runner.work_dir, NAME)
        rows = [row for row in read_metrics(path) if row['iteration'] <= runner.iter]
        write_text(path, ''.join(_line(row) for row in rows))

    @master_only
    def _write(self, runner, iteration: int, scalars: Mapping) -> None:
        row = {k: _plain(v) for k, v in scalars.items() if isinstance(v, Real)}
        if row:
            line = _line({'iteration': iteration, **row}).encode()
            with open(Path(runner.work_dir, NAME), 'ab', buffering=0) as file:
                file.write(line)  # at once, which a kill cannot cut


def read_metrics(path: str | Path) -> list[dict]:
    """Objects of a ``metrics.jsonl``, without lines that are cut off; [] of no file."""
    path = Path(path)
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and 'iteration' in row:
            rows.append(row)
    return rows


def _line(row: dict) -> str:
    return json.dumps(row, allow_nan=False) + '\n'


def _plain(value: Real) -> float | int | None:
    """A Python number; None for NaN and infinities, which JSON has not."""
    value = value if isinstance(value, int) else float(value)
    return value if math.isfinite(value) else None
