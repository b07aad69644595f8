"""Train from a config: ``python tools/train.py CONFIG`` or
``python -m reacgan_plugin.train CONFIG``."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from reacgan_plugin import distributed
from reacgan_plugin.endings import leave, refuse
from reacgan_plugin.extras import RUNNER, missing_extra
from reacgan_plugin.refusals import refusal


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line of a training run."""
    from reacgan_plugin.cfg_options import add_cfg_options, add_trust_imports

    parser = argparse.ArgumentParser(prog='train', description='Train a GAN.')
    parser.add_argument('config', help='file, name of one of ours, or checkpoint')
    parser.add_argument('--work-dir', help='default: work_dirs/<name of the config>')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='go on from a checkpoint; auto (default): the newest in the work dir',
    )
    parser.add_argument(
        '--amp', choices=['bf16', 'fp16'], help='autocast of the networks'
    )
    parser.add_argument(
        '--launcher', choices=distributed.LAUNCHERS, default='none', help='of processes'
    )
    parser.add_argument('--seed', type=int, help='of everything random')
    add_trust_imports(parser)
    add_cfg_options(
        parser, help='override settings: model.loss.type=AC total_batch_size=64 ...'
    )
    return parser.parse_args(arguments)


def configured(options: argparse.Namespace):
    """The config of a run, command line applied; remarks on what it replaced."""
    from reacgan_plugin.config import load_config

    config, remarks = load_config(
        options.config, options.cfg_options, trust_imports=options.trust_imports
    )
    config.launcher = options.launcher
    config.work_dir = options.work_dir or config.get(
        'work_dir', str(Path('work_dirs', Path(options.config).stem))
    )
    if options.seed is not None:
        config.randomness = {**config.get('randomness', {}), 'seed': options.seed}
    if options.amp:
        _set_amp(config, options.amp)
    if options.resume == 'auto':  # load_from stays, for a work dir without checkpoint
        config.resume = 'auto'
    elif options.resume:
        config.resume, config.load_from = True, options.resume
    return config, remarks


def _set_amp(config, precision: str) -> None:
    if is_stock(config):
        raise ValueError(
            '--amp is for configs of ours; in a stock config, set '
            "type='AmpOptimWrapper' and dtype='bfloat16' in both entries of "
            'optim_wrapper'
        )
    config.model.amp = precision


def is_stock(config) -> bool:
    """Whether a config belongs to another OpenMMLab project, as its scope says."""
    return config.get('default_scope', 'reacgan_plugin') not in (None, 'reacgan_plugin')


def runner_for(config):
    """The runner class of a config: our own, or that of stock OpenMMLab configs.

    Raises: ValueError when what it needs is not installed.
    """
    if is_stock(config):
        from reacgan_plugin.integrations.stock_runner import StockRunner

        return StockRunner
    problem = missing_extra()
    if problem:
        raise ValueError(problem)
    from reacgan_plugin.runner import GANRunner

    return GANRunner


def run(arguments: list[str] | None = None) -> int:
    """Train; returns the exit code."""
    problem = missing_extra(RUNNER)
    if problem:
        return refuse(problem)
    options = parse_arguments(arguments)
    from reacgan_plugin.checkpoint import BadCheckpoint
    from reacgan_plugin.data.loader import is_of_a_worker
    from reacgan_plugin.data.loading import BrokenImage
    from reacgan_plugin.gan.faults import TrainingFault
    from reacgan_plugin.interrupt import Interrupted

    config = None
    try:
        config, remarks = configured(options)
        runner = runner_for(config).from_cfg(config)
        for remark in remarks:
            runner.logger.info(remark)
        with runner.or_nothing():
            runner.prepare()
    except Exception as error:
        problem = refusal(error, stock=bool(config) and is_stock(config))
        if problem is None:
            raise
        return refuse(problem)
    try:
        runner.train()
    except TrainingFault as error:
        command = resume_command(sys.argv[1:] if arguments is None else arguments)
        return _ended(runner, f'{error}. To go on: {command}')
    except (BadCheckpoint, BrokenImage) as error:
        return _ended(runner, str(error))
    except OSError as error:
        return _ended(runner, f'{error}{_where_to_go_on(runner.work_dir)}')
    except RuntimeError as error:
        if not is_of_a_worker(error):
            raise
        return _ended(runner, f'{error}{_where_to_go_on(runner.work_dir)}')
    except Interrupted as stop:
        _close(runner.visualizer)
        command = resume_command(sys.argv[1:] if arguments is None else arguments)
        runner.logger.info(f'{stop}; saved {stop.checkpoint}. To go on:\n{command}')
        return 130
    return 0


def _ended(runner, problem: str) -> int:
    runner.logger.error(problem)  # for the morning after
    return refuse(problem)


def _where_to_go_on(work_dir: str) -> str:
    from reacgan_plugin.checkpoint import newest_checkpoint

    newest = newest_checkpoint(work_dir)
    return f'; --resume goes on from {newest}' if newest else ''


def _close(visualizer) -> None:
    try:
        visualizer.close()
    except OSError:
        pass  # a full disk, which the log has told of


def resume_command(given: list[str]) -> str:
    """The command that goes on from the newest checkpoint of the work dir."""
    words, skipping = [], False
    for word in given:
        if word == '--resume':
            skipping = True  # an older checkpoint, perhaps, in the next word
        elif word.startswith('--resume='):
            continue
        elif skipping and not word.startswith('-') and words:
            skipping = False
        else:
            skipping = False
            words.append(word)
    position = words.index('--cfg-options') if '--cfg-options' in words else len(words)
    words.insert(position, '--resume')
    return shlex.join([*_program(), *words])


def _program() -> list[str]:
    """How this process was started."""
    started = Path(sys.argv[0])
    as_module = started == Path(__file__)
    script = ['-m', 'reacgan_plugin.train'] if as_module else [str(started)]
    if 'TORCHELASTIC_RUN_ID' in os.environ:
        ranks = os.environ['LOCAL_WORLD_SIZE']
        return ['torchrun', '--nproc_per_node', ranks, *script]
    return ['python', *script]


def main() -> None:
    """Train and leave the process, with the exit code."""
    leave(run, together=(0, 130), crashed=1)


if __name__ == '__main__':
    main()
