"""The command line of ``tools/sample.py``."""

from __future__ import annotations

import argparse
import re
from functools import partial
from pathlib import Path

from reacgan_plugin.sampling.drawing import BATCH
from reacgan_plugin.sampling.neighbours import FEATURES
from reacgan_plugin.words import count, count_from, positive

EXAMPLES = """examples:
  sample.py run/iter_3000.pth --class 3 --num 16 --out threes.png
  sample.py run/iter_3000.pth --num 5000 --out fakes.zip      (or a folder: --out fakes)
  sample.py run/iter_3000.pth --interpolate class 3 7 3 --frames 20 --out way.gif
  sample.py run/iter_3000.pth --interpolate z 0 1 2 --class 3
  sample.py run/iter_3000.pth --neighbours data/cifar10/train --num 2
  sample.py run/iter_3000.pth --directions 5 --step 2 --class 3 --seed 7
"""
LARGEST_SEED = 2**32 - 1  # of which torch's CPU generator reads all bits
PICTURE, ANIMATION, ARCHIVE, FOLDER = '.png', '.gif', '.zip', ''
# what each mode writes, the default first
ENDINGS = {
    'samples': (PICTURE, ARCHIVE, FOLDER),
    'grids': (FOLDER,),
    'interpolate': (PICTURE, ANIMATION),
    'neighbours': (PICTURE,),
    'directions': (PICTURE, ANIMATION),
}
NUM = {'samples': 16, 'grids': 16, 'interpolate': 4, 'neighbours': 1, 'directions': 1}
# options that only these modes have
ONLY_WITH = {
    'frames': ('interpolate', 'directions'),
    'step': ('directions',),
    'k': ('neighbours',),
    'features': ('neighbours',),
}


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Options of the sampling tool, ``mode``, ``ending`` of what is written
    and defaults filled in."""
    parser = _parser()
    options = parser.parse_args(arguments)
    given = vars(options)
    named = [mode for mode in ENDINGS if given.get(mode) not in (None, False)]
    options.mode = named[0] if named else 'samples'
    problem = _problem(options)
    if problem:
        parser.error(problem)
    _fill_in(options)
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='sample',
        description='Sample a generator: a picture with one row a class, or as below.',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('checkpoint', help='written by a training run')
    add(
        '--class',
        dest='classes',
        action='append',
        help='number or name of a class; may be given more than once (default: all)',
    )
    add(
        '--num',
        type=count,
        help='samples of each class (default: 16; with --neighbours 1), or rows of '
        '--interpolate class (default: 4)',
    )
    add(
        '--seed',
        type=_seeds,
        help='of z, of the first sample; the others count on (default: 0). Or a list, '
        '0-15 or 1,5,9: one sample of each class a seed',
    )
    add(
        '--out',
        type=_out,
        help='to write: a picture, x.png; with --interpolate and --directions also '
        'x.gif; each sample by itself into x.zip or, without an ending, a folder '
        '(default: samples.png, of --grids samples)',
    )
    add('--overwrite', action='store_true', help='an archive, or files in a folder')
    add(
        '--truncation',
        type=positive,
        help='less variety, more typical samples: psi of StyleGAN2, for others the '
        'largest entry of z (default: none)',
    )
    add('--raw', action='store_true', help='trained weights, not their average')
    add('--batch', type=count, default=BATCH, help='images at a time (default: 100)')
    add(
        '--trust-imports',
        action='store_true',
        help="follow custom_imports of the checkpoint's config",
    )
    _add_modes(parser.add_mutually_exclusive_group())
    add(
        '--frames',
        type=partial(count_from, 2),
        help='images from one point to the next, ends '
        'included (default: 8), or along a direction (default: 7)',
    )
    add('--step', type=positive, help='between two of a direction (default: 1)')
    add('--k', type=count, help='neighbours of each sample (default: 5)')
    add(
        '--features',
        choices=sorted(FEATURES),
        help='where neighbours are near (default: efficientnet-lite0)',
    )
    return parser


def _add_modes(group) -> None:
    add = group.add_argument
    add('--grids', action='store_true', help='a picture of each class, into a folder')
    add(
        '--interpolate',
        nargs='+',
        metavar='WHAT',
        help='class A B ...: the same z in classes between; '
        'z S T ...: z between those of seeds, of each --class',
    )
    add(
        '--neighbours',
        nargs='?',
        const=True,
        metavar='DIR',
        help='each sample beside the nearest real images: of a folder, or without one '
        "of the config's data set",
    )
    add(
        '--directions',
        type=count,
        metavar='D',
        help='one sample moved along the directions of largest effect (SeFa)',
    )


def _problem(options: argparse.Namespace) -> str | None:
    """What is wrong with the options together."""
    mode = options.mode
    for name, modes in ONLY_WITH.items():
        if getattr(options, name) is not None and mode not in modes:
            return f'--{name} goes with {" or ".join(f"--{each}" for each in modes)}'
    given = options.out and _ending(options.out)
    if options.out and given not in ENDINGS[mode]:
        allowed = ', '.join(ending or 'a folder' for ending in ENDINGS[mode])
        return f'--out {options.out}; allowed here: {allowed}'
    if isinstance(options.seed, list) and options.num:
        return '--seed with a list says how many samples there are; leave --num out'
    if mode == 'interpolate':
        return _problem_of_interpolation(options)
    if mode == 'directions' and (options.num or isinstance(options.seed, list)):
        return '--directions moves one sample: it takes one --seed and no --num'
    if mode == 'directions' and len(options.classes or ()) > 1:
        return '--directions moves one sample: it takes one --class'
    return None


def _problem_of_interpolation(options: argparse.Namespace) -> str | None:
    what, *points = options.interpolate
    if what not in ('class', 'z') or not points:
        return '--interpolate takes class A B ... or z S T ...'
    if what == 'class':
        if options.classes:
            return '--interpolate class takes its classes itself, without --class'
        options.points = points
    else:
        if options.num or options.seed is not None:
            return '--interpolate z takes its seeds itself, without --seed and --num'
        try:
            options.points = [seed for text in points for seed in _listed(text)]
        except argparse.ArgumentTypeError as error:
            return f'--interpolate z: {error}'
    if len(options.points) < 2:
        return f'--interpolate {what} takes two or more'
    return None


def _fill_in(options: argparse.Namespace) -> None:
    folder = ENDINGS[options.mode][0] == FOLDER
    out = options.out or ('samples' if folder else 'samples.png')
    options.out, options.ending = Path(out), _ending(out)
    options.num = options.num or NUM[options.mode]
    options.seed = 0 if options.seed is None else options.seed
    options.frames = options.frames or (7 if options.mode == 'directions' else 8)
    options.step = options.step or 1.0
    options.k = options.k or 5
    options.features = options.features or 'efficientnet-lite0'


def _seeds(text: str) -> int | list[int]:
    """One number, or a list of some."""
    seeds = _listed(text)
    return seeds[0] if text.isdigit() else seeds


def _listed(text: str) -> list[int]:
    """'3', '0-15' or '1,5,9' -> numbers, each once."""
    found = [re.fullmatch(r'(\d+)(?:-(\d+))?', part) for part in text.split(',')]
    ranges = [(int(part[1]), int(part[2] or part[1])) for part in found if part]
    possible = all(first <= last <= LARGEST_SEED for first, last in ranges)
    if not all(found) or not possible:
        raise argparse.ArgumentTypeError(
            f'{text!r}; allowed: a number, 0-15 or 1,5,9, up to {LARGEST_SEED}'
        )
    seeds = [seed for first, last in ranges for seed in range(first, last + 1)]
    return list(dict.fromkeys(seeds))


def _out(text: str) -> str:
    if not text or _ending(text) not in (PICTURE, ANIMATION, ARCHIVE, FOLDER):
        raise argparse.ArgumentTypeError(
            f'{text!r}; allowed: a name that ends in .png, .gif or .zip, or that of a '
            'folder, without an ending or with a slash at the end'
        )
    return text


def _ending(text: str) -> str:
    """Of a file's name; '' for a folder's."""
    return FOLDER if text.endswith('/') else Path(text).suffix.lower()
