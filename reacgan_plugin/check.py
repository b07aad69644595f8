"""What a training run would do: ``python tools/check.py CONFIG``."""

from __future__ import annotations

import argparse

from reacgan_plugin.endings import refuse
from reacgan_plugin.extras import missing_extra
from reacgan_plugin.refusals import refusal


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line of the checks."""
    from reacgan_plugin.cfg_options import add_cfg_options, add_trust_imports

    parser = argparse.ArgumentParser(
        prog='check',
        description='Report what a training run would do. Nothing is written.',
    )
    parser.add_argument('config', help='file, name of one of ours, or checkpoint')
    parser.add_argument(
        '--all-images',
        action='store_true',
        help='decode every image, to find those that do not load (default: some)',
    )
    parser.add_argument(
        '--processes', type=int, default=1, help='that the run would have'
    )
    parser.add_argument('--work-dir', help='default: work_dirs/<name of the config>')
    add_trust_imports(parser)
    add_cfg_options(parser, help='as of tools/train.py')
    parser.set_defaults(launcher='none', resume=None, seed=None, amp=None)
    return parser.parse_args(arguments)


def checked(options: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Lines of the report, and what would keep the run from reaching its end.

    Raises: ValueError and the like, as a training run does before its first step.
    """
    from reacgan_plugin.batch import Batch
    from reacgan_plugin.checking import report
    from reacgan_plugin.checking.images import survey
    from reacgan_plugin.checking.memory import estimated_memory
    from reacgan_plugin.checking.runner import CheckRunner
    from reacgan_plugin.data.skip_broken import SkipBroken
    from reacgan_plugin.train import configured, is_stock

    config, remarks = configured(options)
    if is_stock(config):
        raise ValueError(
            f'{options.config} is of another OpenMMLab project; allowed: configs of '
            'reacgan_plugin'
        )
    model = config.get('model')
    if isinstance(model, dict) and 'compile' in model:
        model['compile'] = None  # which takes minutes and finds nothing more
    runner = CheckRunner.from_cfg(config)
    runner.prepare()
    batch = Batch(
        runner.batch.total,
        world_size=options.processes,
        accumulation=runner.model.accumulation,
        d_updates=runner.model.d_updates,
    )
    dataset = runner.train_loop.dataset
    workers = config.train_dataloader.get('num_workers', 0)
    found = survey(dataset, everything=options.all_images, workers=workers)
    errors = report.errors_of(found, broken_too=not isinstance(dataset, SkipBroken))
    sections = [
        *report.networks(runner.model),
        *report.data(dataset, found),
        *report.course(runner, batch),
    ]
    warnings = runner.warnings(batch)
    if not errors:
        memory = estimated_memory(
            runner.model, runner.optim_wrapper, dataset, batch.micro_batch
        )
        sections += report.footprint(runner, memory)
    sections += [('remark', text) for text in remarks]
    sections += [('warning', text) for text in warnings]
    return [f'{name:<14} {text}' for name, text in sections], errors


def run(arguments: list[str] | None = None) -> int:
    """Print the report; returns the exit code, 0 even with warnings."""
    problem = missing_extra()
    if problem:
        return refuse(problem)
    options = parse_arguments(arguments)
    try:
        lines, errors = checked(options)
    except Exception as error:
        problem = refusal(error)
        if problem is None:
            raise
        return refuse(problem)
    print('\n'.join(lines))
    for error in errors:
        refuse(error)
    return 2 if errors else 0
