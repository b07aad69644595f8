"""Rows of a table: two things, their ratio, its goal and what came of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

COLOURS = {'met': '#2a7f62', 'missed': '#c0392b', 'no goal': '#7f8c8d'}


class Goal(NamedTuple):
    """What a ratio is to reach."""

    sign: str  # '>=' or '<='
    value: float

    def met(self, ratio: float) -> bool:
        return ratio >= self.value if self.sign == '>=' else ratio <= self.value

    def __str__(self) -> str:
        return f'{self.sign} {self.value:g}'


def at_least(value: float) -> Goal:
    return Goal('>=', value)


def at_most(value: float) -> Goal:
    return Goal('<=', value)


class Row(NamedTuple):
    """One line of the table; without a ratio it says why there is none."""

    what: str
    ours: str = ''
    other: str = ''
    ratio: float | None = None
    goal: Goal | None = None
    reason: str = ''

    @property
    def verdict(self) -> str:
        if self.ratio is None:
            return f'not measured: {self.reason}'
        if self.goal is None:
            return 'no goal'
        return 'met' if self.goal.met(self.ratio) else 'missed'


class Report(NamedTuple):
    """What a command hands back."""

    table: str
    rows: list[Row]
    note: str


def faster(what: str, ours: float, other: float, goal: float | None = None) -> Row:
    """Seconds of ours and another's, which is to take ``goal`` times as long."""
    wanted = None if goal is None else at_least(goal)
    return Row(what, _time(ours), _time(other), other / ours, wanted)


def smaller(what: str, size: float, bound: float) -> Row:
    """Bytes and their bound."""
    sizes = f'{size / 1e6:.1f} MB', f'{bound / 1e6:.1f} MB'
    return Row(what, *sizes, size / bound, at_most(1))


def share(what: str, part: float, whole: float, goal: float | None = None) -> Row:
    """Seconds of a part and of the whole."""
    wanted = None if goal is None else at_most(goal)
    return Row(what, _time(part), _time(whole), part / whole, wanted)


def not_measured(what: str, goal: Goal | None, reason: str) -> Row:
    return Row(what, goal=goal, reason=reason)


def report(rows: list[Row], note: str) -> Report:
    return Report(table(rows), rows, note)


def table(rows: list[Row]) -> str:
    """Rows as Markdown."""
    lines = ['| what | ours | against | ratio | goal | verdict |', '|---' * 6 + '|']
    for row in rows:
        ratio = '' if row.ratio is None else f'{row.ratio:.3g}'
        goal = '' if row.goal is None else str(row.goal)
        cells = row.what, row.ours, row.other, ratio, goal, row.verdict
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines)


def draw(rows: list[Row], path: Path, *, title: str) -> None:
    """A bar a ratio on a logarithmic axis, a mark where its goal is."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 1 + 0.6 * len(rows)), layout='constrained')
    axes = figure.add_subplot(xscale='log', title=title, xlabel='ratio; | is its goal')
    left, right = _limits(rows)
    beside = axes.get_yaxis_transform()  # x in shares of the axes, y by row
    for place, row in enumerate(rows):
        axes.text(0.01, place - 0.3, row.what, transform=beside, va='center')
        if row.ratio is None:
            said = row.verdict
        else:
            said = f'{row.ratio:.3g}, {row.verdict}'
            width = min(max(row.ratio, left), right) - left  # 0 and inf have no place
            colour = COLOURS[row.verdict]
            axes.barh(place + 0.1, width, height=0.35, left=left, color=colour)
        axes.text(1.01, place + 0.1, said, transform=beside, va='center')
        if row.goal is not None:
            axes.plot([row.goal.value], [place + 0.1], '|', color='black', ms=16)
    axes.set(xlim=(left, right), ylim=(len(rows) - 0.5, -0.6), yticks=[])
    figure.savefig(path, dpi=100)


def _limits(rows: list[Row]) -> tuple[float, float]:
    """Of an axis that holds every ratio and goal which is positive and finite."""
    numbers = [row.ratio for row in rows] + [row.goal.value for row in rows if row.goal]
    shown = [n for n in numbers if n and 0 < n < math.inf] or [1.0]
    return min(shown) / 3, max(shown) * 3


def _time(seconds: float) -> str:
    return f'{1e3 * seconds:.1f} ms' if seconds < 10 else f'{seconds:.1f} s'
