"""ReACGAN's claim on a laptop: whether AC's classifier gradient grows and D2D-CE's does
not, and what samples come of it, for equal processor time.

    python tools/reproduce_stability.py [--data pairs] [--formulas | --grid]

Draws feature norm and class gradient over iterations, probe accuracy and Frechet
distance over time (Kang et al. 2021, Figure 2). Run again, it goes on: runs that are
finished are only drawn.
"""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path

import stability_figures as figures
import torch
from stability_runs import Spec, results

from reacgan_plugin.words import count, positive

D2DCE = dict(type='D2DCE', margin=0.9, temperature=0.25, loss_weight=0.5, embed_dim=128)
METHODS = {
    'AC': dict(type='AC'),
    'AC, normalised features': dict(type='AC', normalize='features'),
    'D2D-CE': D2DCE,
    'PD': dict(type='PD'),
}
FORMULAS = {
    'D2D-CE, paper': D2DCE,
    'D2D-CE, studiogan': dict(D2DCE, formula='studiogan'),
}
MARGINS = (0.5, 0.9, 0.98)
TEMPERATURES = (0.125, 0.25, 0.5)
GRID = {
    figures.cell_name(margin, temperature): dict(
        D2DCE, margin=margin, temperature=temperature
    )
    for margin in MARGINS
    for temperature in TEMPERATURES
}
# what is run, seconds and seeds unless they are given
COMPARISONS = {
    'methods': (METHODS, 180.0, 3),
    'formulas': (FORMULAS, 60.0, 1),
    'grid': (GRID, 60.0, 1),
}


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--seconds',
        type=positive,
        help='processor time of each run, for each thread (default: 180; of formulas '
        'and grid 60)',
    )
    parser.add_argument(
        '--seeds',
        type=count,
        help='runs of each (default: 3; of formulas and grid 1)',
    )
    parser.add_argument(
        '--data',
        choices=['digits', 'pairs'],
        default='digits',
        help='ten classes, or the hundred of two digits side by side',
    )
    which = parser.add_mutually_exclusive_group()
    for name, what in (
        ('formulas', "D2D-CE by formula='paper' and 'studiogan' instead"),
        ('grid', 'margins and temperatures of D2D-CE instead'),
    ):
        which.add_argument(
            f'--{name}', dest='what', action='store_const', const=name, help=what
        )
    parser.set_defaults(what='methods')
    parser.add_argument(
        '--only', nargs='+', metavar='NAME', help='of the lines of the table, these'
    )
    parser.add_argument('--jobs', type=count, default=1, help='runs side by side')
    parser.add_argument(
        '--threads',
        type=count,
        default=1,
        help='of each run; several of such small networks wait for each other',
    )
    parser.add_argument('--out', type=Path, default=Path('work_dirs/stability'))
    options = parser.parse_args(arguments)
    names, *_ = COMPARISONS[options.what]
    for name in options.only or ():
        if name not in names:
            parser.error(f'--only {name!r}; there are: {", ".join(map(repr, names))}')
    return options


def specs_of(options: argparse.Namespace) -> list[Spec]:
    """All runs, seed by seed, so that an early end leaves all methods alike."""
    losses, seconds, seeds = COMPARISONS[options.what]
    return [
        Spec(
            name=name,
            loss=loss,
            data=options.data,
            seed=seed,
            seconds=options.seconds or seconds,
            threads=options.threads,
        )
        for seed in range(options.seeds or seeds)
        for name, loss in losses.items()
        if not options.only or name in options.only
    ]


def main(arguments: list[str] | None = None) -> int:
    """Run what is not finished, draw all; returns the exit code."""
    options = parse_arguments(arguments)
    runs_folder = options.out / 'runs'
    runs_folder.mkdir(parents=True, exist_ok=True)
    specs, found = specs_of(options), []
    try:
        for spec, result in results(specs, runs_folder, jobs=options.jobs):
            found.append(result)
            numbers = result['evaluations'][-1]
            print(
                f'{len(found)}/{len(specs)} {spec.name}, seed {spec.seed}: '
                f'{result["iterations"]} iterations, accuracy '
                f'{numbers["accuracy"]:.3f}, Frechet {numbers["frechet"]:.3f}',
                flush=True,
            )
            draw(options, found, specs)
    except KeyboardInterrupt:
        print('stopped; the same command goes on', file=sys.stderr)
        return 130
    print((options.out / f'{options.data}_{options.what}.md').read_text())
    return 0


def draw(options: argparse.Namespace, found: list[dict], specs: list[Spec]) -> None:
    """Figure and table of the runs that are finished."""
    grouped = figures.by_name(found)
    runs = {s.name: grouped[s.name] for s in specs if s.name in grouped}
    stem = options.out / f'{options.data}_{options.what}'
    time = f'{specs[0].seconds * specs[0].threads:g} processor seconds a run'
    path, title = stem.with_suffix('.png'), f'{options.data}, {time}'
    if options.what == 'grid':
        figures.draw_grid(
            runs, path, margins=MARGINS, temperatures=TEMPERATURES, title=title
        )
    else:
        figures.draw_runs(runs, path, title=title)
    note = (
        f'{options.data.capitalize()}, BigGAN of the demo, {time}, '
        f'{options.threads} thread(s), torch {torch.__version__}, Python '
        f'{platform.python_version()}, CPU. Means over seeds, ranges in brackets. '
        'Class gradient: norm of the gradient for class weights or proxies, of the '
        'class term; of PD, which has none, of the adversarial loss.'
    )
    stem.with_suffix('.md').write_text(f'{figures.table(runs)}\n\n{note}\n')


if __name__ == '__main__':
    sys.exit(main())
