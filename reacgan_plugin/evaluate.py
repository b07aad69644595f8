"""Evaluate a checkpoint or two folders of images:
``python tools/evaluate.py CHECKPOINT`` or ``--real DIR --fake DIR``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from reacgan_plugin import distributed
from reacgan_plugin.endings import leave, refuse
from reacgan_plugin.evaluation.generators import BATCH_NORMS
from reacgan_plugin.evaluation.resize import RESIZERS
from reacgan_plugin.extras import missing_extra

METRICS = ('FID', 'IS', 'KID', 'PrecisionRecall', 'DensityCoverage')
EXTRACTORS = ('inception', 'efficientnet-lite0', 'probe')


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line of the evaluation."""
    parser = argparse.ArgumentParser(
        prog='evaluate', description='Evaluate samples against real images.'
    )
    parser.add_argument('checkpoint', nargs='?', help='written by a training run')
    parser.add_argument('--real', metavar='DIR', help='folder of real images')
    parser.add_argument('--fake', metavar='DIR', help='folder of generated images')
    _add_measurement(parser.add_argument_group('what is measured, and how'))
    _add_sampling(parser.add_argument_group('samples of a checkpoint'))
    parser.add_argument('--out', default='metrics.json', help='JSON to write')
    parser.add_argument(
        '--launcher',
        choices=distributed.LAUNCHERS,
        default='pytorch' if 'TORCHELASTIC_RUN_ID' in os.environ else 'none',
        help='of processes (default: pytorch under torchrun)',
    )
    options = parser.parse_args(arguments)
    folders = options.real is not None and options.fake is not None
    if folders == (options.checkpoint is not None) or (
        not folders and (options.real or options.fake)
    ):
        parser.error('give a CHECKPOINT, or --real DIR and --fake DIR')
    return options


def _add_measurement(group) -> None:
    group.add_argument(
        '--metrics',
        nargs='+',
        default=METRICS,
        metavar='NAME',
        help=f'registered metrics (default: {" ".join(METRICS)}); also IntraFID, '
        'ClassifierAccuracy, LabelAgreement, which need classes',
    )
    group.add_argument(
        '--extractor',
        default='inception',
        help=f'{", ".join(EXTRACTORS)} or the name of a network of timm '
        '(default: inception); numbers of two extractors do not compare',
    )
    group.add_argument(
        '--weights', help='file of the extractor; of a network of timm also: hub'
    )
    group.add_argument(
        '--resizer', choices=RESIZERS, default='tf', help="to the extractor's size"
    )
    group.add_argument('--batch', type=_count, default=50, help='images at a time')
    group.add_argument('--workers', type=int, default=0, help='that decode images')
    group.add_argument(
        '--size', type=_count, help='side that images of folders are brought to'
    )
    group.add_argument(
        '--cache-dir', help='where rows of reals are kept (default: ~/.cache)'
    )


def _add_sampling(group) -> None:
    group.add_argument(
        '--num-images',
        '--num',  # which torchrun takes for the beginning of an option of its own
        dest='num',
        type=_count,
        default=10_000,
        help='samples in all',
    )
    group.add_argument(
        '--reference',
        metavar='NPZ|DIR',
        help='the reals: mu and sigma, or a folder (default: the training set)',
    )
    group.add_argument('--raw', action='store_true', help='not the averaged weights')
    group.add_argument(
        '--batch-norm', choices=BATCH_NORMS, default='ema', help='their statistics'
    )
    group.add_argument('--std-max', type=_count, default=128, help='for standing')
    group.add_argument('--std-step', type=_count, default=128, help='for standing')
    group.add_argument('--truncation', type=float, help='as of tools/sample.py')
    group.add_argument('--seed', type=int, default=0, help='of z')
    group.add_argument(
        '--trust-imports',
        action='store_true',
        help="follow custom_imports of the checkpoint's config",
    )


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r}; allowed: 1 or more')
    return int(text)


def evaluated(options: argparse.Namespace):
    """What was found, on every process.

    Raises: ValueError for options, files and data that are not there or do not fit.
    """
    compare = _folders if options.checkpoint is None else _checkpoint
    evaluator, make_source = compare(options)
    return evaluator.evaluate(evaluator.ranks.together(make_source))


def _folders(options: argparse.Namespace):
    from reacgan_plugin.evaluation.folders import ImageFolder
    from reacgan_plugin.evaluation.reals import DatasetImages

    size = options.size and (options.size, options.size)
    real, fake = (
        ImageFolder(folder, size=size) for folder in (options.real, options.fake)
    )
    if len(real.classes) != len(fake.classes):
        if distributed.rank() == 0:
            print('the folders have different classes: labels are not used')
        real.labels = fake.labels = None
    evaluator = _evaluator(options, real, train=real)
    source = DatasetImages(fake, name=options.fake, num_workers=options.workers)
    return evaluator, lambda: source


def _checkpoint(options: argparse.Namespace):
    from mmengine.device import get_device

    from reacgan_plugin.config import checkpoint_config
    from reacgan_plugin.evaluation.generators import GeneratedImages, sampling_settings
    from reacgan_plugin.evaluation.reals import unaltered
    from reacgan_plugin.sample import load_model

    sampling = sampling_settings(
        dict(
            average=not options.raw,
            batch_norm=options.batch_norm,
            std_max=options.std_max,
            std_step=options.std_step,
            truncation=options.truncation,
            seed=options.seed,
        ),
        'option',
    )
    trust = dict(trust_imports=options.trust_imports)
    config = checkpoint_config(options.checkpoint, **trust)
    model, _ = load_model(options.checkpoint, **trust)
    train = unaltered(config.train_dataloader.dataset)
    evaluator = _evaluator(options, _reference(options, train, model), train=train)
    model = model.to(get_device())
    return evaluator, lambda: GeneratedImages(model, options.num, sampling)


def _reference(options: argparse.Namespace, train: dict, model):
    """Config of the training set, the folder given as a data set, or a file's path."""
    from reacgan_plugin.backbones.sizes import pair
    from reacgan_plugin.evaluation.folders import ImageFolder

    given = options.reference
    if given is None:
        return train
    if not Path(given).is_dir():
        return given
    folder = ImageFolder(given, size=pair(model.generator.size))
    if len(folder.classes) != model.num_classes:
        folder.labels = None
    return folder


def _evaluator(options: argparse.Namespace, reference, *, train):
    from reacgan_plugin.evaluation.building import built, reference_of
    from reacgan_plugin.evaluation.evaluator import ImageEvaluator
    from reacgan_plugin.evaluation.features import View
    from reacgan_plugin.registry import METRICS as KNOWN
    from reacgan_plugin.registry import MODELS

    reference = reference_of(
        reference, cache_dir=options.cache_dir, num_workers=options.workers
    )
    extractor = _extractor(options.extractor, options.weights, train)
    return ImageEvaluator(
        [built(KNOWN, {'type': name}, '--metrics') for name in options.metrics],
        reference,
        View(built(MODELS, extractor, '--extractor'), options.resizer, options.batch),
    )


def _extractor(name: str, weights: str | None, train) -> dict:
    if name == 'inception':
        return {'type': 'InceptionExtractor', 'weights': weights}
    if name not in EXTRACTORS:
        if weights is None:
            raise ValueError(
                f'--extractor {name} of timm takes --weights FILE, or --weights hub to '
                f'download them; without weights: {", ".join(EXTRACTORS)}'
            )
        return {'type': 'TimmExtractor', 'model': name, 'weights': weights}
    if weights is not None:
        raise ValueError(f'--extractor {name} has weights of its own, not --weights')
    if name == 'probe':
        return {'type': 'ProbeExtractor', 'train': train}
    return {'type': 'EfficientNetLiteExtractor'}


def run(arguments: list[str] | None = None) -> int:
    """Print a table and write it as JSON; returns the exit code, 1 where a metric
    failed."""
    options = parse_arguments(arguments)
    problem = missing_extra()
    if problem:
        return refuse(problem)
    from reacgan_plugin.evaluation.ranks import RankFailed
    from reacgan_plugin.evaluation.result import write_json

    try:
        distributed.start_process_group(options.launcher)
        found = evaluated(options)
    except (ValueError, OSError, ImportError, RankFailed) as error:
        return refuse(error)
    if distributed.rank() == 0:
        print(found.table())
        Path(options.out).parent.mkdir(parents=True, exist_ok=True)
        fakes = options.checkpoint or options.fake
        write_json(found.record(fakes=str(fakes)), options.out)
    return 1 if found.failed else 0


def main() -> None:
    """Evaluate and leave the process, with the exit code."""
    leave(run, together=(0, 1), crashed=3)


if __name__ == '__main__':
    main()
