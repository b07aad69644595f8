"""Every conditioning on the digits, each for the same time: what it reaches."""

from __future__ import annotations

import tempfile
import time

import torch
from benchmark_rows import Report, Row
from mmengine.logging import MMLogger

from reacgan_plugin.config import load_config
from reacgan_plugin.evaluation.report import probe_report
from reacgan_plugin.evaluation.sampling import as_arrays, draw_z, generate
from reacgan_plugin.hooks.probe import images_and_labels
from reacgan_plugin.runner import GANRunner
from reacgan_plugin.words import positive

DEMO = 'biggan_reacgan_digits.py'
D2DCE = dict(type='D2DCE', margin=0.9, temperature=0.25, loss_weight=0.5, embed_dim=128)
METHODS = {
    'D2DCE': D2DCE,
    '2C': dict(type='2C', embed_dim=128),
    'AC': dict(type='AC'),
    'PD': dict(type='PD'),
    'SPD': dict(type='SPD'),
    'MH': dict(type='MH'),
    'MD': dict(type='MD'),
    'TAC around AC': dict(type='TAC', method=dict(type='AC')),
    'ADC around AC': dict(type='ADC', method=dict(type='AC')),
    'Info around D2DCE': dict(type='Info', method=D2DCE, feature_scale=1 / 64),
    'Unconditional': dict(type='Unconditional'),
}
PER_CLASS = 90  # samples that are judged
SECONDS = dict(small=0.5, full=180.0)


def add_options(command) -> None:
    command.add_argument(
        '--seconds',
        type=positive,
        help='of each; default: by --scale, 180 for full',
    )
    command.add_argument('--seed', type=int, default=0)
    command.add_argument(
        '--methods', nargs='+', choices=METHODS, metavar='NAME', help='default: all'
    )


def train_for(seconds: float, loss: dict, seed: int, work_dir: str):
    """A model trained by the demo's config with another loss for so many seconds of
    this process's own time, and its number of iterations."""
    config, _ = load_config(DEMO)
    config.model.loss = loss
    config.custom_hooks, config.visualizer = [], None
    config.param_scheduler = None  # whose end is not known beforehand
    config.work_dir, config.log_level = work_dir, 'ERROR'
    config.randomness = dict(seed=seed)
    runner = GANRunner.from_cfg(config)
    runner.prepare()
    model, optimizers = runner.model.train(), runner.optim_wrapper
    batches, iterations = iter(runner.train_loop.dataloader), 0
    # processor time, since another program's load is no property of a method
    end = time.process_time() + seconds * torch.get_num_threads()
    while time.process_time() < end:
        model.train_step(next(batches), optimizers)
        iterations += 1
    return model, iterations


def judged(model, train, held_out, seed: int) -> dict[str, float]:
    """The probe's report of a trained model's samples."""
    label = torch.arange(model.num_classes).repeat_interleave(PER_CLASS)
    images = generate(model, label, z=draw_z(len(label), model.generator.z_dim, seed))
    return probe_report(train, held_out, as_arrays(images), label.numpy(), seed=seed)


def measure(options) -> Report:
    """One line a conditioning; its bar is the probe's accuracy beside that on real
    digits."""
    seconds = options.seconds or SECONDS[options.scale]
    config, _ = load_config(DEMO)
    train = images_and_labels(config.train_dataloader.dataset)
    held_out = images_and_labels(config.held_out)
    lines = [
        '| conditioning | iterations | accuracy | spread in class | Frechet |',
        '|---' * 5 + '|',
    ]
    rows = []
    for name in options.methods or METHODS:
        with tempfile.TemporaryDirectory() as folder:
            model, iterations = train_for(seconds, METHODS[name], options.seed, folder)
            MMLogger.get_current_instance().handlers.clear()  # of the folder's log file
        found = judged(model, train, held_out, options.seed)
        ours, real = found['accuracy_samples'], found['accuracy_real']
        lines.append(
            f'| {name} | {iterations} | {ours:.3f} '
            f'| {found["spread_share"]:.3f} | {found["frechet_samples"]:.3f} |'
        )
        rows.append(Row(name, f'{ours:.3f}', f'{real:.3f}', ours / real))
        print(lines[-1], flush=True)
    lines.append(
        f'| real digits | | {real:.3f} | 1.000 | {found["frechet_real"]:.3f} |'
    )
    note = (
        f'The digits demo, {seconds:g} processor seconds a method and thread, seed '
        f'{options.seed}.'
    )
    return Report('\n'.join(lines), rows, note)
