"""What a run left in its work dir: scalars, sample grids, settings, log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np

from reacgan_plugin.checkpoint import about, newest_checkpoint, read_checkpoint
from reacgan_plugin.evaluation.result import read_records
from reacgan_plugin.hooks.metrics_file import NAME, read_metrics
from reacgan_plugin.options import some

ENTRY = re.compile(r'^(?=\d{4}/\d\d/\d\d \d\d:\d\d:\d\d - )', re.MULTILINE)  # its start
BESIDE_SCALARS = ('iteration', 'iter', 'step', 'epoch')  # what a row says of its place


class Run:
    """A work dir, read as it is asked for.

    Args:
        folder: the work dir.
        name: what pictures call it; the folder's own name by default.

    ``problem`` says why ``meta`` has nothing of a checkpoint, '' where it has.
    Raises: ValueError for a folder that is none of a run.
    """

    def __init__(self, folder: str | Path, name: str | None = None):
        self.folder, self.problem = Path(folder), ''
        if not self.folder.is_dir():
            raise ValueError(f'run {folder} is no folder; give the work dir of a run')
        self.name = name or self.folder.resolve().name
        if not (self.rows or self.grids or self.checkpoint):
            raise ValueError(
                f'run {folder} has no {NAME}, samples or checkpoint; give the work dir '
                'of a run'
            )

    @cached_property
    def rows(self) -> list[dict]:
        """Scalars by iteration: those of ``metrics.jsonl``, or where a run has none,
        of mmengine's ``scalars.json``, a file for each time that it was started."""
        rows = read_metrics(self.folder / NAME)
        if not rows:
            for path in sorted(self.folder.glob('*/vis_data/scalars.json')):
                later = _scalars(path)
                first = later[0]['iteration'] if later else np.inf
                # what was resumed replaces what was killed
                rows = [row for row in rows if row['iteration'] < first] + later
        return rows

    @cached_property
    def series(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Iterations and values of every scalar, in order; nulls are left out."""
        found: dict[str, dict[int, float]] = {}
        for row in self.rows:
            for name, value in row.items():
                if name not in BESIDE_SCALARS and value is not None:
                    found.setdefault(name, {})[row['iteration']] = value
        return {
            name: (np.array(sorted(at)), np.array([at[i] for i in sorted(at)]))
            for name, at in found.items()
        }

    @property
    def last(self) -> int:
        """The last iteration that it wrote anything of."""
        known = [row['iteration'] for row in self.rows] + [i for i, _ in self.grids]
        return max(known, default=0)

    @cached_property
    def grids(self) -> list[tuple[int, Path]]:
        """Iterations and pictures of samples, in order."""
        found = {}
        for path in self.folder.glob('samples/*.png'):
            if number := re.fullmatch(r'iter_(\d+)', path.stem):
                found[int(number[1])] = path
        return sorted(found.items())

    @cached_property
    def checkpoint(self) -> Path | None:
        """The newest one."""
        return newest_checkpoint(self.folder)

    @cached_property
    def meta(self) -> dict:
        """What the checkpoint says of itself: versions, seed, config, classes; {} of
        one that cannot be read, see ``problem``."""
        if self.checkpoint is None:
            return {}
        try:
            return dict(about(read_checkpoint(self.checkpoint)))
        except (ValueError, OSError) as error:
            self.problem = str(error)
            return {}

    @cached_property
    def config(self) -> dict:
        """The settings, as data; {} without a checkpoint that can be read."""
        try:
            found = json.loads(self.meta.get('config') or '{}')
        except (TypeError, ValueError):  # of somebody else's checkpoint
            return {}
        return found if isinstance(found, dict) else {}

    @cached_property
    def _log(self) -> list[str]:
        """Entries of all logs, oldest first, each with what continues on further
        lines."""
        text = ''.join(
            path.read_text(errors='replace')
            for path in sorted(self.folder.glob('*/*.log'))
        )
        return [entry.strip() for entry in ENTRY.split(text)]

    @cached_property
    def evaluation(self) -> dict:
        """The record of the last evaluation, with all that its numbers depend on; {}
        without any."""
        return next(reversed(read_records(self.folder / 'metrics.json')), {})

    @property
    def environment(self) -> list[str]:
        """A line for each time that it was started: versions, device, processes."""
        return [entry for entry in self._log if ' - reacgan_plugin ' in entry[:80]]

    @property
    def results(self) -> str:
        """The closing words that a run printed; '' without any."""
        for entry in reversed(self._log):
            _, found, words = entry.partition(' - results\n')
            if found:
                return words
        return ''


def read_runs(folders: Iterable[str | Path]) -> list[Run]:
    """Runs by names that tell them apart: of folders that are called alike, with those
    that they are in.

    Raises: ValueError for a folder that is none of a run, or given twice.
    """
    paths = [Path(folder) for folder in folders]
    places = [path.resolve() for path in paths]
    twice = {
        str(path)
        for path, place in zip(paths, places, strict=True)
        if places.count(place) > 1
    }
    if twice:
        raise ValueError(f'given more than once: {some(sorted(twice))}')
    depth = 1
    names = [_name(place, depth) for place in places]
    while len(set(names)) < len(names):
        depth += 1
        names = [_name(place, depth) for place in places]
    return [Run(path, name) for path, name in zip(paths, names, strict=True)]


def _name(place: Path, depth: int) -> str:
    return '-'.join(place.parts[1:][-depth:])


def _scalars(path: Path) -> list[dict]:
    """Rows of mmengine's file, with the key ``iteration``."""
    rows = []
    for line in path.read_text().splitlines():
        try:
            row = json.loads(line)
        except ValueError:  # cut off by a kill, or NaN of another writer
            continue
        if isinstance(row, dict) and isinstance(row.get('step'), int):
            rows.append({'iteration': row['step'], **row})
    return rows
