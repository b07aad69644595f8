"""Measurements side by side in one run: a Markdown table with goals and verdicts.

    python tools/benchmark.py WHAT [--out FILE.md] [--png FILE.png]

WHAT is a name of ``COMMANDS``. Each has a module, ``benchmark_<name>.py``, with
``measure(options) -> Report`` and, for options of its own, ``add_options(command)``.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
from importlib.util import find_spec
from pathlib import Path

import torch
from benchmark_rows import draw

from reacgan_plugin.words import count

COMMANDS = {
    'loss': 'speed of D2D-CE against the broadcast form and other losses',
    'memory': 'peak memory of D2D-CE, whole and in blocks',
    'step': 'speed of a training step of BigGAN at 32 x 32',
    'accumulation': 'exact large batch against one batch',
    'distributed': 'two processes against one',
    'techniques': 'what every technique adds to a training step',
    'conditionings': 'what every conditioning reaches on the digits',
}
ON_A_GPU_TOO = ('loss', 'memory', 'step')
SCALES = ('small', 'full')


def main(arguments: list[str] | None = None) -> None:
    words = sys.argv[1:] if arguments is None else arguments
    options = parser(words).parse_args(words)
    torch.set_num_threads(options.threads)
    load = _load()  # before the measurement, which is a load itself
    report = options.measure(options)
    text = (
        f'{report.table}\n\n{report.note} Scale {options.scale}. torch '
        f'{torch.__version__}, Python {platform.python_version()}, '
        f'{_device_name(options.device)}, {options.threads} threads, load {load} at '
        'the start.\n'
    )
    print(text)
    if options.out:
        options.out.write_text(text)
    if options.png:
        draw(report.rows, options.png, title=f'benchmark.py {options.what}')


def parser(words: list[str]) -> argparse.ArgumentParser:
    """Every command, the options of the one that is asked for."""
    main_parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = main_parser.add_subparsers(required=True, metavar='WHAT', dest='what')
    for name, help_text in COMMANDS.items():
        command = commands.add_parser(name, help=help_text)
        # only that one is imported: the others may need what is not installed
        if words[:1] == [name]:
            _add_options(command, _module_of(name))
            if name in ON_A_GPU_TOO:
                command.add_argument(
                    '--device', type=_device, default='cpu', help='cpu or cuda'
                )
            else:
                command.set_defaults(device='cpu')
    return main_parser


def _module_of(name: str):
    try:
        return importlib.import_module(f'benchmark_{name}')
    except ModuleNotFoundError as error:
        raise SystemExit(
            f"{name} needs {error.name}: pip install 'reacgan_plugin[train]'"
        ) from None


def _add_options(command: argparse.ArgumentParser, module) -> None:
    command.add_argument('--out', type=_path, help='file for the table')
    command.add_argument('--png', type=_picture, help='file for bars of the ratios')
    command.add_argument(
        '--repeats',
        type=count,
        default=5,
        help='timings of which the median counts',
    )
    command.add_argument(
        '--threads',
        type=count,
        default=1,
        help='1, as several wait for each other on a machine that is not idle',
    )
    command.add_argument(
        '--scale',
        choices=SCALES,
        default='full',
        help='small: in seconds, to see that it runs; goals are those of full',
    )
    if hasattr(module, 'add_options'):
        module.add_options(command)
    command.set_defaults(measure=module.measure)


def _path(word: str) -> Path:
    """A file that can be written, since measuring takes minutes."""
    if not Path(word).parent.is_dir():
        raise argparse.ArgumentTypeError(f'the folder of {word!r} does not exist')
    return Path(word)


def _picture(word: str) -> Path:
    if Path(word).suffix != '.png':
        raise argparse.ArgumentTypeError(f'{word!r} does not end in .png')
    if find_spec('matplotlib') is None:
        raise argparse.ArgumentTypeError('matplotlib is missing: pip install it')
    return _path(word)


def _device(word: str) -> str:
    if word not in ('cpu', 'cuda'):
        raise argparse.ArgumentTypeError(f'{word!r} is not allowed; allowed: cpu, cuda')
    if word == 'cuda' and not torch.cuda.is_available():
        raise argparse.ArgumentTypeError('no GPU is found; allowed: cpu')
    return word


def _device_name(device: str) -> str:
    return 'CPU' if device == 'cpu' else torch.cuda.get_device_name()


def _load() -> str:
    return f'{os.getloadavg()[0]:.1f}' if hasattr(os, 'getloadavg') else 'unknown'


if __name__ == '__main__':
    main()
