"""The command line of ``tools/evaluate.py``."""

from __future__ import annotations

import argparse
import os

from reacgan_plugin import distributed
from reacgan_plugin.evaluation.generators import BATCH_NORMS
from reacgan_plugin.evaluation.resize import RESIZERS
from reacgan_plugin.words import count, positive

METRICS = ('FID', 'IS', 'KID', 'PrecisionRecall', 'DensityCoverage')
EXTRACTORS = ('inception', 'efficientnet-lite0', 'probe')
# options that do nothing where two folders are compared, and their defaults
OF_A_CHECKPOINT = {
    'num': 10_000,
    'reference': None,
    'raw': False,
    'batch_norm': 'ema',
    'std_max': 128,
    'std_step': 128,
    'truncation': None,
    'seed': 0,
    'trust_imports': False,
}
WORDS = {'num': 'num-images'}  # of options that are not called as they are kept


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Options of the evaluation, defaults filled in."""
    parser = _parser()
    options = parser.parse_args(arguments)
    problem = _problem(options)
    if problem:
        parser.error(problem)
    for name, default in OF_A_CHECKPOINT.items():
        if getattr(options, name) is None:
            setattr(options, name, default)
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='evaluate', description='Evaluate samples against real images.'
    )
    parser.add_argument('checkpoint', nargs='?', help='written by a training run')
    parser.add_argument('--real', metavar='DIR', help='folder of real images')
    parser.add_argument('--fake', metavar='DIR', help='folder of generated images')
    _add_measurement(parser.add_argument_group('what is measured, and how'))
    _add_sampling(parser.add_argument_group('samples of a checkpoint'))
    parser.add_argument(
        '--out', default='evaluation.json', help='JSON to write (default: %(default)s)'
    )
    parser.add_argument(
        '--launcher',
        choices=distributed.LAUNCHERS,
        default='pytorch' if 'TORCHELASTIC_RUN_ID' in os.environ else 'none',
        help='of processes (default: pytorch under torchrun)',
    )
    return parser


def _add_measurement(group) -> None:
    add = group.add_argument
    add(
        '--metrics',
        nargs='+',
        default=METRICS,
        metavar='NAME',
        help=f'registered metrics (default: {" ".join(METRICS)}); also IntraFID, '
        'ClassifierAccuracy, LabelAgreement, which need classes',
    )
    add(
        '--extractor',
        default='inception',
        help=f'{", ".join(EXTRACTORS)} or the name of a network of timm '
        '(default: inception); numbers of two extractors do not compare',
    )
    add('--weights', help='file of the extractor; of a network of timm also: hub')
    add('--resizer', choices=RESIZERS, default='tf', help="to the extractor's size")
    add('--batch', type=count, default=50, help='images at a time')
    add('--workers', type=int, default=0, help='that decode images')
    add('--size', type=count, help='side that images of two folders are brought to')
    add('--cache-dir', help='where rows of reals are kept (default: ~/.cache)')


def _add_sampling(group) -> None:
    """Options without defaults here: one that is not None was given."""
    add = group.add_argument
    add(
        '--num-images',
        '--num',  # which torchrun takes for the beginning of an option of its own
        dest='num',
        type=count,
        help='samples in all (default: 10,000)',
    )
    add(
        '--reference',
        metavar='NPZ|DIR',
        help='the reals: mu and sigma, or a folder (default: the training set)',
    )
    add(
        '--raw',
        action='store_const',
        const=True,
        help='not the averaged weights',
    )
    add(
        '--batch-norm',
        choices=BATCH_NORMS,
        help='their statistics (default: ema)',
    )
    add('--std-max', type=count, help='for standing (default: 128)')
    add('--std-step', type=count, help='for standing (default: 128)')
    add('--truncation', type=positive, help='as of tools/sample.py')
    add('--seed', type=int, help='of z (default: 0)')
    add(
        '--trust-imports',
        action='store_const',
        const=True,
        help="follow custom_imports of the checkpoint's config",
    )


def _problem(options: argparse.Namespace) -> str | None:
    """What is wrong with the options together."""
    of_folders = options.real is not None and options.fake is not None
    if of_folders == (options.checkpoint is not None) or (
        not of_folders and (options.real or options.fake)
    ):
        return 'give a CHECKPOINT, or --real DIR and --fake DIR'
    if not of_folders and options.size:
        return '--size goes with --real DIR and --fake DIR; samples have their size'
    for name in OF_A_CHECKPOINT:
        given = getattr(options, name) is not None
        if given and of_folders:
            return f'{_word(name)} goes with a CHECKPOINT'
        if given and name.startswith('std_') and options.batch_norm != 'standing':
            return f'{_word(name)} goes with --batch-norm standing'
    return None


def _word(name: str) -> str:
    return f'--{WORDS.get(name, name).replace("_", "-")}'
