"""What an evaluation found, and of what: a number alone means nothing."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from reacgan_plugin.writing import write_text


class Setting(NamedTuple):
    """What a number depends on beside the weights."""

    extractor: str
    resizer: str  # 'none' where images go in as they are
    quantisation: str
    reference: str
    real_images: int | None  # None: not known
    fake_images: int
    weights: str | None = None  # 'EMA' or 'raw'; None: fakes are files
    batch_norm: str | None = None
    truncation: float | None = None
    seed: int | None = None
    std_max: int | None = None  # of standing statistics
    std_step: int | None = None
    batch_size: int | None = None  # of statistics of the batch
    filter: str | None = None  # of the resizer 'friendly'
    metrics: Mapping[str, Mapping] | None = None  # their own settings, by name

    def __str__(self) -> str:
        of = f'{self.fake_images:,} fakes'
        if self.weights is not None:
            of += f' of {self.weights} weights, batch norm {self._norm()}'
            of += f', truncation {self.truncation}' if self.truncation else ''
            of += f', seed {self.seed}'
        real = 'an unknown number' if self.real_images is None else self.real_images
        real = real if isinstance(real, str) else f'{real:,}'
        resizer = self.resizer + (f', filter {self.filter}' if self.filter else '')
        return '; '.join(
            (
                f'{of}; {real} of {self.reference}; {self.extractor}, '
                f'resizer {resizer}, {self.quantisation}',
                *(f'{k} {_listed(v)}' for k, v in (self.metrics or {}).items() if v),
            )
        )

    def _norm(self) -> str:
        known = {
            'std_max': self.std_max,
            'std_step': self.std_step,
            'batch_size': self.batch_size,
        }
        listed = _listed({k: v for k, v in known.items() if v is not None})
        return f'{self.batch_norm} ({listed})' if listed else str(self.batch_norm)


@dataclass
class Evaluation:
    """Numbers by name, and what went wrong.

    Args:
        values: numbers; those that failed are left out.
        setting: what they depend on.
        failed: why there is no number, by the metric's name.
        remarks: what to know of the numbers.
    """

    values: dict[str, float]
    setting: Setting
    failed: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def line(self) -> str:
        """All of it in one line."""
        values = ', '.join(f'{name} {_short(v)}' for name, v in self.values.items())
        return f'{values or "no number"} ({self.setting})'

    def table(self) -> str:
        """A line a number, and below what they depend on."""
        width = max(map(len, [*self.values, *self.failed]), default=0)
        lines = [f'{name:<{width}}  {_short(v)}' for name, v in self.values.items()]
        lines += [
            f'{name:<{width}}  failed: {why}' for name, why in self.failed.items()
        ]
        return '\n'.join([*lines, str(self.setting), *self.remarks])

    def record(self, **about) -> dict:
        """Plain data for a file; ``about`` comes first."""
        found = asdict(self)
        found['setting'] = self.setting._asdict()
        return {**about, **found}


def write_json(content, path: str | os.PathLike) -> None:
    """Written aside and renamed."""
    write_text(path, json.dumps(content, indent=1) + '\n')


def read_records(path: str | os.PathLike) -> list[dict]:
    """Records that evaluations of a run wrote; a file that is broken or holds something
    else counts as none."""
    try:
        found = json.loads(Path(path).read_text())
    except (OSError, ValueError):
        return []
    records = found if isinstance(found, list) else [None]
    whole = all(isinstance(each, dict) and 'iteration' in each for each in records)
    return records if whole else []


def _listed(settings: Mapping) -> str:
    return ', '.join(f'{name} {value}' for name, value in settings.items())


def _short(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    return f'{value:.4f}' if abs(value) < 100 else f'{value:.2f}'
