"""Curves and a page of runs: ``python tools/plot.py RUN [RUN ...]``."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from reacgan_plugin.endings import refuse
from reacgan_plugin.extras import missing_extra
from reacgan_plugin.words import count_from
from reacgan_plugin.writing import write_text

MAPS = ('pca', 'tsne')


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line of the plotting tool."""
    parser = argparse.ArgumentParser(
        prog='plot', description='Draw runs: curves on one page, a report of each.'
    )
    parser.add_argument('runs', nargs='+', metavar='RUN', help='work dir of a run')
    parser.add_argument('--out', default='plots', help='folder (default: plots)')
    parser.add_argument(
        '--map',
        nargs='*',
        choices=MAPS,
        default=['pca'],
        dest='maps',
        help='of embeddings and proxies, from the newest checkpoint and the data that '
        'its config names; none after the bare option (default: pca)',
    )
    parser.add_argument(
        '--images',
        type=partial(count_from, 5),
        default=1000,
        help='in a map (default: 1000)',
    )
    parser.add_argument(
        '--trust-imports',
        action='store_true',
        help='import what configs that are data name: checkpoints, .json, .yaml',
    )
    return parser.parse_args(arguments)


def maps_of(run, methods, *, images: int = 1000, trust_imports: bool = False) -> dict:
    """Figures by method, of the newest checkpoint of a run and held-out data where the
    config has some, else the training data.

    Raises: ValueError or OSError where checkpoint or data do not load.
    """
    from reacgan_plugin.evaluation.reals import unaltered
    from reacgan_plugin.plotting import embeddings_of, sphere_map
    from reacgan_plugin.sampling.loading import load_model

    if run.checkpoint is None:
        raise ValueError('there is no checkpoint')
    model, names = load_model(str(run.checkpoint), trust_imports=trust_imports)
    loader = run.config.get('train_dataloader') or {}
    dataset = run.config.get('held_out') or loader.get('dataset')
    if dataset is None:
        raise ValueError('the config has no data set')
    found = embeddings_of(model, unaltered(dataset), images=images, names=names)
    return {method: sphere_map(found, method) for method in methods}


def write_run(run, folder: Path, methods, **options) -> list[Path]:
    """Report, curves and maps of a run into a folder; a map that cannot be drawn is
    one line on the error stream."""
    from reacgan_plugin.plotting import curve_page, report_page

    folder.mkdir(parents=True, exist_ok=True)
    maps = {}
    try:
        maps = maps_of(run, methods, **options) if methods else {}
    except (ValueError, OSError, ImportError) as error:
        print(f'{run.name}: no map of embeddings: {error}', file=sys.stderr)
    figures = {'curves': curve_page([run])}
    figures.update((f'embeddings_{method}', figure) for method, figure in maps.items())
    written = [folder / f'{name}.png' for name in figures]
    for path, figure in zip(written, figures.values(), strict=True):
        figure.savefig(path, dpi=110)
    captions = {figure.axes[0].get_title(): figure for figure in maps.values()}
    page = folder / 'report.html'
    write_text(page, report_page(run, captions))
    return [*written, page]


def run(arguments: list[str] | None = None) -> int:
    """Write pictures and pages; returns the exit code."""
    options = parse_arguments(arguments)
    problem = missing_extra()
    if problem:
        return refuse(problem)
    from reacgan_plugin.plotting import curve_page, read_runs

    out = Path(options.out)
    try:
        runs = read_runs(options.runs)
        out.mkdir(parents=True, exist_ok=True)
        written = []
        if len(runs) > 1:
            written.append(out / 'curves.png')
            curve_page(runs).savefig(written[0], dpi=110)
        for one in runs:
            written += write_run(
                one,
                out / one.name,
                options.maps,
                images=options.images,
                trust_imports=options.trust_imports,
            )
    except (ValueError, OSError) as error:
        return refuse(error)
    print('\n'.join(map(str, written)))
    return 0


if __name__ == '__main__':
    sys.exit(run())
