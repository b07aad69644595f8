"""Figures and tables of runs that were watched: means and ranges over seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Runs = dict[str, list[dict]]  # results of all seeds, by name


def by_name(found: Sequence[dict]) -> Runs:
    """Results grouped by what was run, seeds in order."""
    runs: Runs = {}
    for result in sorted(found, key=lambda result: result['seed']):
        runs.setdefault(result['name'], []).append(result)
    return runs


def class_gradient(row: dict) -> float | None:
    """Gradient norm of the class weights: of the class term, and of methods that have
    none, of the adversarial loss that carries the class."""
    return row.get('class_gradient_norm', row.get('class_gradient_norm_whole'))


class Panel(NamedTuple):
    """What is drawn over what."""

    title: str
    part: str  # of a result
    x: str
    y: Callable[[dict], float | None]  # of a row
    scale: str


PANELS = (
    Panel(
        'norm of the features F(x)',
        'diagnostics',
        'iteration',
        itemgetter('feature_norm'),
        'log',
    ),
    Panel(
        'gradient norm of the class weights',
        'diagnostics',
        'iteration',
        class_gradient,
        'log',
    ),
    Panel(
        'probe accuracy of samples',
        'evaluations',
        'seconds',
        itemgetter('accuracy'),
        'linear',
    ),
    Panel(
        'Frechet distance to held-out digits',
        'evaluations',
        'seconds',
        itemgetter('frechet'),
        'log',
    ),
)
LABELS = {'iteration': 'iteration', 'seconds': 'processor seconds of training'}


def draw_runs(runs: Runs, path: Path, *, title: str) -> None:
    """The four panels: a line for the mean over seeds, a band for their range."""
    figure = Figure((12, 8), layout='constrained')
    figure.suptitle(title)
    for axes, panel in zip(figure.subplots(2, 2).flat, PANELS, strict=True):
        for number, (name, results) in enumerate(runs.items()):
            rows = [result[panel.part] for result in results]
            _line(axes, panel, rows, color=f'C{number}', label=name)
        axes.set(title=panel.title, xlabel=LABELS[panel.x], yscale=panel.scale)
        axes.grid(alpha=0.3)
    figure.axes[0].legend()
    figure.savefig(path, dpi=110)


def _line(axes: Axes, panel: Panel, seeds: list[list[dict]], *, color, label) -> None:
    """What all seeds have: the n-th row of each beside that of the others."""
    count = min(map(len, seeds))
    x = np.array([[row[panel.x] for row in rows[:count]] for rows in seeds])
    y = np.array([[panel.y(row) for row in rows[:count]] for rows in seeds], float)
    axes.plot(x.mean(0), y.mean(0), color=color, label=label)
    axes.fill_between(x.mean(0), y.min(0), y.max(0), color=color, alpha=0.15)


def draw_grid(
    runs: Runs,
    path: Path,
    *,
    margins: Sequence[float],
    temperatures: Sequence[float],
    title: str,
) -> None:
    """Last accuracy and Frechet distance of every pair of settings; runs are called
    as :func:`cell_name` has it."""
    figure = Figure((11, 4.5), layout='constrained')
    figure.suptitle(title)
    numbers = {'probe accuracy': 'accuracy', 'Frechet distance': 'frechet'}
    for axes, (what, number) in zip(
        figure.subplots(1, 2), numbers.items(), strict=True
    ):
        cells = [
            [mean_of(runs.get(cell_name(m, t), []), number) for t in temperatures]
            for m in margins
        ]
        brighter_is_better = 'viridis' if number == 'accuracy' else 'viridis_r'
        image = axes.imshow(cells, cmap=brighter_is_better)
        for (row, column), shown in np.ndenumerate(cells):
            text = axes.text(column, row, f'{shown:.3f}', ha='center', va='center')
            text.set_bbox(dict(facecolor='white', alpha=0.7, edgecolor='none'))
        figure.colorbar(image, ax=axes)
        axes.set(title=what, xlabel='temperature', ylabel='margin')
        axes.set_xticks(range(len(temperatures)), map(str, temperatures))
        axes.set_yticks(range(len(margins)), map(str, margins))
    figure.savefig(path, dpi=110)


def cell_name(margin: float, temperature: float) -> str:
    """What a run of the grid is called."""
    return f'margin {margin}, temperature {temperature}'


def last_of(results: list[dict], number: str) -> list[float]:
    """A number of the last evaluation of every seed."""
    return [r['evaluations'][-1][number] for r in results if r['evaluations']]


def mean_of(results: list[dict], number: str) -> float:
    """NaN of no results."""
    values = np.array(last_of(results, number), dtype=float)
    return float(values.mean()) if len(values) else float('nan')


def table(runs: Runs) -> str:
    """A line a method in Markdown: means over seeds, ranges in brackets."""
    lines = [
        '| conditioning | seeds | iterations | probe accuracy | spread in class '
        '| Frechet | feature norm, last | class gradient, largest | class gradient, '
        'last |',
        '|---' * 9 + '|',
    ]
    for name, results in runs.items():
        gradients = [[class_gradient(row) for row in r['diagnostics']] for r in results]
        cells = [
            name,
            str(len(results)),
            _range([r['iterations'] for r in results], '.0f'),
            *(_range(last_of(results, n), '.3f') for n in ('accuracy', 'spread')),
            _range(last_of(results, 'frechet'), '.3f'),
            _range([r['diagnostics'][-1]['feature_norm'] for r in results], '.3g'),
            _range([max(filter(None, v), default=None) for v in gradients], '.3g'),
            _range([values[-1] for values in gradients], '.3g'),
        ]
        lines.append(f'| {" | ".join(cells)} |')
    real = next(iter(runs.values()))[0]['real']
    lines.append(
        f'| real digits | | | {real["accuracy"]:.3f} | {real["spread"]:.3f} '
        f'| {real["frechet"]:.3f} | | | |'
    )
    return '\n'.join(lines)


def _range(values: Sequence[float | None], form: str) -> str:
    """Mean (least to largest)."""
    numbers = np.array([v for v in values if v is not None], dtype=float)
    if len(numbers) == 0:
        return 'not finite'
    mean = f'{numbers.mean():{form}}'
    if len(numbers) == 1:
        return mean
    return f'{mean} ({numbers.min():{form}} to {numbers.max():{form}})'
