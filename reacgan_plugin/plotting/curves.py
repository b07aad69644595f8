"""Curves of several runs: losses, metrics, diagnostics, a panel for what belongs
together."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reacgan_plugin.plotting.runs import Run

COLUMNS = 3
PANEL = (5.0, 3.2)  # inches
STYLES = (
    *('-', '--', ':', '-.'),
    *((0, (8, 2)), (0, (1, 4)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 2, 2, 2))),
    *((0, (3, 4)), (0, (8, 2, 1, 1, 1, 1, 1, 2))),
)
FEW = 20  # points that are marked, since a line between two says little


class Panel(NamedTuple):
    """What is drawn into one pair of axes."""

    title: str
    names: list[str]  # of scalars
    logarithmic: bool = False


class Group(NamedTuple):
    """Scalars that share a panel."""

    title: str
    patterns: tuple[str, ...]
    logarithmic: bool = False


LOSSES = (
    Group('loss of the discriminator', ('d/loss', 'd/loss_*')),
    Group('loss of the generator', ('g/loss', 'g/loss_*')),
    Group('mean logits', ('d/logit_*',)),
)
METRICS = (
    Group('precision and recall', ('val/precision', 'val/recall')),
    Group('density and coverage', ('val/density', 'val/coverage')),
    Group('label agreement', ('val/label_agreement*',)),
)
DIAGNOSTICS = (
    Group('norm of the features F(x)', ('diagnostics/feature_norm*',), True),
    Group(
        'gradient norm of the class weights',
        ('diagnostics/class_gradient_norm*',),
        True,
    ),
    Group('class accuracy of D', ('diagnostics/class_accuracy*',)),
    Group(
        'cosines of pairs',
        ('diagnostics/positive_cosine', 'diagnostics/hardest_negative_cosine'),
    ),
    Group('share of easy pairs', ('diagnostics/easy_*',)),
    Group('effective negatives', ('diagnostics/effective_negatives',)),
    Group('logit margins', ('diagnostics/logit_margin_*',)),
    Group('spectral norms', ('diagnostics/*_spectral_norm_*',)),
    Group('learning rate', ('*.lr', 'lr')),
)
# what says nothing of the GAN, and spreads, which are in the table
LEFT_OUT = ('time', 'data_time', 'memory', 'base_lr', 'val/*_std')


def curve_panels(runs: Sequence[Run]) -> list[Panel]:
    """What there is to draw: losses, metrics, diagnostics, then each other scalar by
    itself."""
    seen = dict.fromkeys(name for run in runs for name in run.series)
    names = [name for name in seen if not _fits(name, LEFT_OUT)]
    metrics = [name for name in names if name.startswith('val/')]
    others = [name for name in names if name not in metrics]
    losses, others = _grouped(others, LOSSES)
    diagnostics, others = _grouped(others, DIAGNOSTICS)
    together, metrics = _grouped(metrics, METRICS)
    return [*losses, *_alone(metrics), *together, *diagnostics, *_alone(others)]


def curve_page(runs: Sequence[Run]) -> Figure:
    """All panels of all runs on one page."""
    panels = curve_panels(runs)
    rows = max(-(-len(panels) // COLUMNS), 1)
    width, height = PANEL
    figure = Figure((COLUMNS * width, rows * height), layout='constrained')
    if not panels:
        figure.text(0.5, 0.5, 'no scalars yet', ha='center')
    for place, panel in enumerate(panels, start=1):
        draw(figure.add_subplot(rows, COLUMNS, place), panel, runs)
    if len(runs) > 1:
        handles = [
            Line2D([], [], color=_colour(number), label=run.name)
            for number, run in enumerate(runs)
        ]
        figure.legend(handles=handles, loc='outside upper left', ncols=COLUMNS)
    return figure


def panel_figure(panel: Panel, runs: Sequence[Run]) -> Figure:
    """One panel as a figure of its own."""
    figure = Figure(PANEL, layout='constrained')
    draw(figure.add_subplot(), panel, runs)
    return figure


def draw(axes: Axes, panel: Panel, runs: Sequence[Run]) -> None:
    """Draw a panel: of one run a colour for each scalar, of several one for each run
    and a line style for each scalar."""
    several = len(runs) > 1
    for number, run in enumerate(runs):
        for place, name in enumerate(panel.names):
            if name not in run.series:
                continue
            iteration, value = run.series[name]
            axes.plot(
                iteration,
                value,
                color=_colour(number if several else place),
                linestyle=_style(place) if several else '-',
                marker='.' if len(value) < FEW else None,
            )
    values = [line.get_ydata() for line in axes.lines]
    if panel.logarithmic and all(np.all(value > 0) for value in values):
        axes.set_yscale('log')
    axes.set(title=panel.title, xlabel='iteration')
    axes.grid(alpha=0.3)
    if len(panel.names) > 1:
        axes.legend(handles=_legend(panel, several), fontsize='x-small')


def _grouped(
    names: list[str], groups: Sequence[Group]
) -> tuple[list[Panel], list[str]]:
    """Panels of the groups that have a scalar, and the scalars that are in none."""
    panels = []
    for title, patterns, logarithmic in groups:
        own = [name for name in names if _fits(name, patterns)]
        if own:
            panels.append(Panel(title, own, logarithmic))
    taken = {name for panel in panels for name in panel.names}
    return panels, [name for name in names if name not in taken]


def _alone(names: list[str]) -> list[Panel]:
    return [Panel(name.removeprefix('val/'), [name]) for name in names]


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _legend(panel: Panel, several: bool) -> list[Line2D]:
    return [
        Line2D(
            [],
            [],
            color='black' if several else _colour(place),
            linestyle=_style(place) if several else '-',
            label=name.rpartition('/')[2],
        )
        for place, name in enumerate(panel.names)
    ]


def _colour(number: int) -> str:
    return f'C{number % 10}'


def _style(number: int) -> str | tuple:
    return STYLES[number % len(STYLES)]
