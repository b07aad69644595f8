"""What an evaluation found, and of what: a number alone means nothing."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple


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

    def __str__(self) -> str:
        of = f'{self.fake_images:,} fakes'
        if self.weights is not None:
            of += f' of {self.weights} weights, batch norm {self.batch_norm}'
            of += f', truncation {self.truncation}' if self.truncation else ''
            of += f', seed {self.seed}'
        real = 'an unknown number' if self.real_images is None else self.real_images
        real = real if isinstance(real, str) else f'{real:,}'
        return (
            f'{of}; {real} of {self.reference}; {self.extractor}, '
            f'resizer {self.resizer}, {self.quantisation}'
        )


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
    path = Path(path)
    aside = path.with_name(f'.{path.name}.partial')
    aside.write_text(json.dumps(content, indent=1) + '\n')
    os.replace(aside, path)


def _short(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    return f'{value:.4f}' if abs(value) < 100 else f'{value:.2f}'
