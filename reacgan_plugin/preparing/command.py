"""Prepare a data set once: ``python tools/prepare_data.py SRC DST --size 64``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from reacgan_plugin.endings import refuse
from reacgan_plugin.extras import RUNNER, missing_extra
from reacgan_plugin.options import whole
from reacgan_plugin.preparing import CROPS, FORMATS, RESIZERS

ABOUT = """Bring the images of a data set to one size. A run that was stopped goes on
when it is started again; the result is there once it is whole."""
SOURCES = """folder with class folders, dataset.json or tar shards; .zip with
dataset.json; shards ('train-{000..099}.tar'); HDF5 file; or a config, whose training
set is meant"""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line of the preparation."""
    from reacgan_plugin.cfg_options import add_cfg_options

    parser = argparse.ArgumentParser(prog='prepare_data', description=ABOUT)
    parser.add_argument('source', metavar='SRC', help=SOURCES.replace('%', '%%'))
    parser.add_argument('destination', metavar='DST', type=Path, help='of the result')
    parser.add_argument('--size', type=int, required=True, help='of both sides, pixels')
    parser.add_argument(
        '--format', choices=FORMATS, help='default: zip for DST.zip, else folder'
    )
    parser.add_argument(
        '--resizer',
        choices=RESIZERS,
        default=RESIZERS[0],
        help="PIL's, antialiased",
    )
    parser.add_argument(
        '--crop',
        choices=CROPS,
        default=CROPS[0],
        help='the largest centred square; none: squeeze into one',
    )
    parser.add_argument('--channels', type=int, choices=[1, 3], default=3)
    parser.add_argument(
        '--nested',
        action='store_true',
        help='every folder with images is a class, in any depth',
    )
    parser.add_argument(
        '--skip-broken',
        action='store_true',
        help='leave out images that do not load and list them in DST.broken.txt',
    )
    parser.add_argument('--shard-size', type=int, default=1000, help='images, of wds')
    parser.add_argument(
        '--workers', type=int, default=_cores(), help='processes; default: all cores'
    )
    add_cfg_options(
        parser,
        help='of a config: train_dataloader.dataset.data_root=/path/to/images',
    )
    return parser.parse_args(arguments)


def run(arguments: list[str] | None = None) -> int:
    """Prepare; returns the exit code."""
    problem = missing_extra(RUNNER)
    if problem:
        return refuse(problem)
    options = parse_arguments(arguments)
    try:
        print(_do(options))
    except (ValueError, OSError, ImportError) as error:
        return refuse(error)
    except KeyboardInterrupt:
        print('stopped; run it again to go on', file=sys.stderr)
        return 130
    return 0


def _do(options: argparse.Namespace) -> str:
    from reacgan_plugin.preparing.recipe import Recipe
    from reacgan_plugin.preparing.sources import opened
    from reacgan_plugin.preparing.work import prepare

    whole('workers', options.workers, above=-1)
    settings = options.size, options.resizer, options.crop, options.channels
    recipe, form = Recipe(*settings).checked(), _form(options)
    if options.destination.resolve().is_relative_to(Path(options.source).resolve()):
        raise ValueError(f'{options.destination} is in {options.source}, its source')
    source = opened(
        options.source, nested=options.nested, overrides=options.cfg_options
    )
    return prepare(
        source,
        options.destination,
        recipe=recipe,
        form=form,
        workers=options.workers,
        skip_broken=options.skip_broken,
        shown=_shown,
    )


def _form(options: argparse.Namespace):
    from reacgan_plugin.preparing.formats import Archive, ImageTree, Shards

    is_zip = options.destination.suffix.lower() == '.zip'
    name = options.format or ('zip' if is_zip else 'folder')
    if (name == 'zip') != is_zip:
        raise ValueError(
            f'{options.destination} with --format {name}: only archives end in .zip'
        )
    if name == 'wds':
        return Shards(whole('shard-size', options.shard_size, above=0))
    return {'zip': Archive, 'folder': ImageTree}[name]()


def _shown(chunks, images: int):
    from reacgan_plugin.progress import shown

    return shown(chunks, images, size=lambda chunk: chunk.images)


def _cores() -> int:
    """Those that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


if __name__ == '__main__':
    sys.exit(run())
