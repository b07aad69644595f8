"""Import and export of whole runs: ``python tools/import_studiogan.py CONFIG.yaml
--generator G.pth --discriminator D.pth --ema G_ema.pth --out DIR`` and back with
``--export CHECKPOINT --out DIR``."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

from reacgan_plugin.endings import refuse
from reacgan_plugin.extras import missing_extra

FILES = {
    'generator': 'generator',
    'discriminator': 'discriminator',
    'ema': 'generator_ema',
}


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line of the import."""
    parser = argparse.ArgumentParser(
        prog='import_studiogan',
        description='Turn a PyTorch-StudioGAN run into a config and a checkpoint.',
    )
    parser.add_argument('config', nargs='?', help="StudioGAN's YAML file")
    for name in FILES:
        parser.add_argument(f'--{name}', metavar='FILE', help='its .pth file')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder to write')
    parser.add_argument(
        '--export',
        metavar='CHECKPOINT',
        help="the other way: write a checkpoint of ours under StudioGAN's names",
    )
    options = parser.parse_args(arguments)
    if (options.config is None) == (options.export is None):
        parser.error('give either a YAML file, or --export and a checkpoint')
    return options


def read_yaml(path: str) -> dict:
    """A StudioGAN config.

    Raises: ValueError for a file that is missing, no YAML or has no sections.
    """
    import yaml

    try:
        content = yaml.safe_load(Path(path).read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f'cannot read {path}: {error}') from error
    if not isinstance(content, dict) or not all(
        isinstance(section, Mapping | None) for section in content.values()
    ):
        raise ValueError(f'{path} has no sections such as DATA and MODEL')
    return {name: section or {} for name, section in content.items()}


def import_run(config_file: str, files: Mapping[str, str], out: str) -> list[str]:
    """Write ``<name>.py`` and ``iter_<step>.pth``; returns lines on what was done.

    Raises: ValueError for a config or files that are not understood.
    """
    import torch

    from reacgan_plugin.checkpoint import write_checkpoint
    from reacgan_plugin.config import load_config
    from reacgan_plugin.integrations.studiogan.training import training_config
    from reacgan_plugin.registry import MODELS, build

    ours, remarks = training_config(read_yaml(config_file))
    stem = Path(config_file).stem
    with tempfile.TemporaryDirectory() as aside:  # nothing is left of what fails
        draft = Path(aside, f'{stem}.py')
        draft.write_text(config_text(ours, Path(config_file).name, remarks))
        config, _ = load_config(str(draft))
        text = draft.read_text()
    config.model.seed = 0
    content = None
    if files:
        content, more = _checkpoint(config, files)
        remarks += more
    else:
        with torch.device('meta'):  # networks that cannot be built are found now
            build(MODELS, config.model)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / f'{stem}.py'
    written.write_text(text)
    lines = [*(f'note        {remark}' for remark in remarks), f'config      {written}']
    if content:
        checkpoint = folder / f'iter_{content["meta"]["iter"]}.pth'
        write_checkpoint(content, checkpoint)
        lines.append(f'checkpoint  {checkpoint}')
    return lines


def _checkpoint(config, files: Mapping[str, str]) -> tuple[dict, list[str]]:
    from reacgan_plugin.config import config_json
    from reacgan_plugin.gan.optimizers import GANOptimWrapperConstructor
    from reacgan_plugin.integrations.studiogan.files import (
        checkpoint_of,
        import_files,
    )
    from reacgan_plugin.registry import MODELS, build

    model = build(MODELS, config.model)
    settings = {k: v for k, v in config.optim_wrapper.items() if k != 'constructor'}
    optimizers = dict(GANOptimWrapperConstructor(settings)(model).items())
    remarks = import_files(model, optimizers, files)
    return checkpoint_of(model, optimizers, config_json(config)), remarks


def config_text(ours: dict, source: str, remarks: list[str]) -> str:
    """A config as a Python file, with what it leaves out in comments."""
    from mmengine.config import Config

    head = [f'# From {source} of PyTorch-StudioGAN.', *(f'# {r}.' for r in remarks)]
    return '\n'.join(head) + '\n' + Config(ours).pretty_text


def run(arguments: list[str] | None = None) -> int:
    """Import or export; returns the exit code."""
    options = parse_arguments(arguments)
    problem = missing_extra()
    if problem:
        return refuse(problem)
    files = {
        network: getattr(options, name)
        for name, network in FILES.items()
        if getattr(options, name)
    }
    try:
        if options.export:
            from reacgan_plugin.integrations.studiogan.files import export_files

            lines = map(str, export_files(options.export, options.out))
        else:
            lines = import_run(options.config, files, options.out)
    except (ValueError, OSError) as error:
        return refuse(error)
    print('\n'.join(lines))
    return 0
