"""Evaluate a checkpoint or two folders of images:
``python tools/evaluate.py CHECKPOINT`` or ``--real DIR --fake DIR``."""

from __future__ import annotations

import argparse
from pathlib import Path

from reacgan_plugin import distributed
from reacgan_plugin.endings import leave, refuse
from reacgan_plugin.evaluation.arguments import EXTRACTORS, parse_arguments
from reacgan_plugin.extras import missing_extra
from reacgan_plugin.writing import check_writable

__all__ = ['evaluated', 'main', 'parse_arguments', 'run']


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
    if not fake.take_classes(real.classes):
        if real.classes or fake.classes:
            _say('the folders have different classes: labels are not used')
        real.labels = None
    evaluator = _evaluator(options, real, train=real)
    source = DatasetImages(fake, name=options.fake, num_workers=options.workers)
    return evaluator, lambda: source


def _checkpoint(options: argparse.Namespace):
    from mmengine.device import get_device

    from reacgan_plugin.config import checkpoint_config
    from reacgan_plugin.evaluation.generators import GeneratedImages, sampling_settings
    from reacgan_plugin.evaluation.reals import missing_data, unaltered
    from reacgan_plugin.sampling.loading import load_model

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
    model, names = load_model(options.checkpoint, **trust)
    train = unaltered((config.get('train_dataloader') or {}).get('dataset'))
    reals = _reference(options, train, model, names)
    with missing_data('--reference' if reals is train else None):
        evaluator = _evaluator(options, reals, train=train)
    model = model.to(get_device())
    drawn = dict(batch_size=options.batch)
    return evaluator, lambda: GeneratedImages(model, options.num, sampling, **drawn)


def _reference(options: argparse.Namespace, train: dict | None, model, names):
    """Config of the training set, the folder given as a data set, or a file's path."""
    from reacgan_plugin.backbones.sizes import pair
    from reacgan_plugin.evaluation.folders import ImageFolder
    from reacgan_plugin.sampling.classes import class_folders

    given = options.reference
    if given is None and train is None:
        raise ValueError('the config has no data set; name the reals: --reference DIR')
    if given is None:
        return train
    if not Path(given).is_dir():
        return given
    folder = ImageFolder(given, size=pair(model.generator.size))
    if not names and len(folder.classes) == model.num_classes:
        return folder  # as ClassFolder numbers them
    fits = folder.take_classes(class_folders(names, model.num_classes))
    if folder.classes and not fits:
        _say(f'{given} has other classes than the checkpoint: labels are not used')
    return folder


def _say(line: str) -> None:
    if distributed.rank() == 0:
        print(line)


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
    if name != 'probe':
        return {'type': 'EfficientNetLiteExtractor'}
    if train is None:
        raise ValueError(
            '--extractor probe learns from the training set, and the config has none'
        )
    return {'type': 'ProbeExtractor', 'train': train}


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
        check_writable(options.out)  # before hours of work, not after
        distributed.start_process_group(options.launcher)
        found = evaluated(options)
        if distributed.rank() == 0:
            print(found.table())
            fakes = options.checkpoint or options.fake
            write_json(found.record(fakes=str(fakes)), options.out)
    except (ValueError, OSError, ImportError, RankFailed) as error:
        return refuse(error)
    return 1 if found.failed else 0


def main() -> None:
    """Evaluate and leave the process, with the exit code."""
    leave(run, together=(0, 1), crashed=3)


if __name__ == '__main__':
    main()
