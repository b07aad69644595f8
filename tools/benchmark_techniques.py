"""What every technique adds to a training step."""

from __future__ import annotations

from typing import NamedTuple

from benchmark_measure import median_seconds
from benchmark_models import biggan, stylegan2
from benchmark_rows import Report, Row, report, share
from benchmark_step import step_of

from reacgan_plugin.components import TECHNIQUES
from reacgan_plugin.registry import MODELS, build
from reacgan_plugin.techniques.lazy import LazyPenalty

NEEDED = {  # options without a default
    'FreezeD': dict(layers=2),
    'TopK': dict(interval=2000),
}
STYLES = ('PathLength',)  # of generators with styles


class Sizes(NamedTuple):
    batch: int
    width: int
    style_batch: int


SIZES = {
    'small': Sizes(batch=4, width=4, style_batch=2),
    'full': Sizes(batch=64, width=32, style_batch=16),
}


def add_options(command) -> None:
    command.add_argument(
        '--names', nargs='+', choices=sorted(TECHNIQUES), default=sorted(TECHNIQUES)
    )


def measure(options) -> Report:
    sizes = SIZES[options.scale]
    rows = [row_of(name, sizes, options.repeats) for name in options.names]
    return report(
        rows,
        'What a technique with its default settings adds to an iteration of one update '
        'of each network, and the iteration without it. Of lazy penalties the one '
        'where they are due, over the number of iterations to the next. BigGAN at '
        f'32 x 32, width {sizes.width}, B {sizes.batch}; {", ".join(STYLES)}: '
        f'StyleGAN2 at 32 x 32, B {sizes.style_batch}. Medians of {options.repeats} '
        'turns.',
    )


def row_of(name: str, sizes: Sizes, repeats: int) -> Row:
    """Steps with the technique and without it, taking turns."""
    settings = dict(type=name, **NEEDED.get(name, {}))
    technique = build(MODELS, settings)
    interval = technique.interval if isinstance(technique, LazyPenalty) else 1
    styles = name in STYLES
    batch = sizes.style_batch if styles else sizes.batch

    def model(*techniques: dict):
        options = dict(techniques=techniques, ema=dict(decay=0.99))
        return stylegan2(**options) if styles else biggan(sizes.width, **options)

    seconds = median_seconds(
        repeats,
        plain=step_of(model(), batch),
        whole=due(model(settings), batch),
    )
    added = (seconds['whole'] - seconds['plain']) / interval
    lazy = f', every {interval} iterations' if interval > 1 else ''
    return share(f'{name}{lazy}', added, seconds['plain'])


def due(gan, batch: int):
    """A step in which lazy penalties are due, again and again."""
    step = step_of(gan, batch)

    def at_the_start() -> None:
        gan.iteration = 0
        step()

    return at_the_start
