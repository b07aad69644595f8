"""PyTorch-StudioGAN's checkpoint files, read into a checkpoint of ours and written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from reacgan_plugin import __version__
from reacgan_plugin.checkpoint import load_state, read_checkpoint, write_checkpoint
from reacgan_plugin.integrations.studiogan.names import (
    convert_discriminator_state,
    convert_generator_state,
    entries_under,
    export_discriminator_state,
    export_generator_state,
)
from reacgan_plugin.integrations.studiogan.numpy_numbers import numpy_numbers_read
from reacgan_plugin.integrations.studiogan.technique_states import (
    export_technique_states,
    import_technique_states,
)

CONVERT = {
    'generator': convert_generator_state,
    'generator_ema': convert_generator_state,
    'discriminator': convert_discriminator_state,
}
EXPORT = {
    'generator': ('G', export_generator_state),
    'generator_ema': ('G_ema', export_generator_state),
    'discriminator': ('D', export_discriminator_state),
}
RUN = {  # what StudioGAN's discriminator files say of a run
    'run_name': 'reacgan_plugin',
    'epoch': 0,
    'topk': 'N/A',
    'aa_p': 'N/A',
    'best_step': 0,
    'best_fid': None,
    'best_fid_ckpt': None,
    'lecam_emas': None,
}


def import_files(model: nn.Module, optimizers: Mapping, files: Mapping) -> list[str]:
    """Load StudioGAN's files into a model and its two optimizers.

    Args:
        model: with ``generator``, ``discriminator``, ``techniques`` and perhaps
            ``generator_ema``.
        optimizers: by network; those of files with an optimizer's state get it.
        files: paths by ``generator``, ``discriminator``, ``generator_ema``.

    States of techniques are in the discriminator's file.

    Returns: remarks on what each network got.
    Raises: ValueError for files that are broken, would execute code or do not fit.
    """
    remarks, steps = [], [0]
    for name, path in files.items():
        with numpy_numbers_read():
            content = read_checkpoint(path)
        steps.append(int(content.get('step', 0)))
        if getattr(model, name, None) is None:
            remarks.append(f'{name}: the config has no average, {path} is not needed')
            continue
        network, optimizer = getattr(model, name), optimizers.get(name)
        remarks += _load(network, name, content, path, optimizer)
        if name == 'discriminator':
            remarks += import_technique_states(model.techniques, content, path)
    remarks += _fill_gaps(model, files)
    model.iteration = max(steps)
    return remarks


def _load(network: nn.Module, name: str, content: dict, path, optimizer) -> list[str]:
    state = content.get('state_dict', content)
    converted = CONVERT[name](state)
    load_state(network, converted, path)
    if optimizer is None:
        return []
    if 'optimizer' not in content:
        return [f'{name}: {path} has no state of an optimizer, it starts anew']
    return _load_optimizer(optimizer, network, converted, content['optimizer'], name)


def _load_optimizer(
    optimizer, network: nn.Module, converted: Mapping, theirs: Mapping, name: str
) -> list[str]:
    """Adam's averages, which are numbered in the order of each side's parameters."""
    ours = [key for key, _ in network.named_parameters()]
    trained = set(ours)
    order = [key for key in converted if key in trained]
    entries = theirs['state']
    if len(order) != len(theirs['param_groups'][0]['params']):
        return [f'{name}: the optimizer has other parameters, it starts anew']
    state = optimizer.state_dict()
    state['state'] = {
        ours.index(order[number]): _adam_entry(entry)
        for number, entry in entries.items()
    }
    optimizer.load_state_dict(state)
    return []


def _adam_entry(entry: Mapping) -> dict:
    step = torch.as_tensor(entry['step'], dtype=torch.float32)
    return {**entry, 'step': step}


def _fill_gaps(model: nn.Module, files: Mapping) -> list[str]:
    """A network without a file of its own: the generator and its average stand in for
    each other."""
    remarks = []
    average = getattr(model, 'generator_ema', None)
    if average is not None and 'generator' in files and 'generator_ema' not in files:
        average.load_state_dict(model.generator.state_dict())
        remarks.append('generator_ema: no file, a copy of the generator')
    if 'generator' not in files and 'generator_ema' in files and average is not None:
        model.generator.load_state_dict(average.state_dict())
        remarks.append('generator: no file, a copy of its average')
    elif 'generator' not in files:
        remarks.append('generator: no file, fresh weights')
    if 'discriminator' not in files:
        remarks.append('discriminator: no file, fresh weights')
    return remarks


def checkpoint_of(model: nn.Module, optimizers: Mapping, config_json: str) -> dict:
    """A checkpoint that training resumes from, with what a run of ours would write."""
    return dict(
        meta=dict(
            iter=model.iteration,
            version=__version__,
            torch=str(torch.__version__),
            seed=model.seed,
            config=config_json,
            classes=[],
        ),
        state_dict=model.state_dict(),
        optimizer={k: w.state_dict() for k, w in optimizers.items()},
        param_schedulers={},
        history={},
    )


def export_files(checkpoint: str | Path, folder: str | Path) -> list[Path]:
    """Write the weights of a checkpoint of ours under StudioGAN's names.

    The discriminator's file has what StudioGAN reads of a run beside the weights. For
    evaluation and sampling: states of optimizers are not written.

    Returns: the paths, named as StudioGAN names them.
    Raises: ValueError for entries that StudioGAN has no place for, and for a file that
    is no checkpoint of ours.
    """
    content = read_checkpoint(checkpoint)
    if 'meta' not in content or 'state_dict' not in content:
        raise ValueError(f'{checkpoint} is no checkpoint of reacgan_plugin')
    step, folder = content['meta'].get('iter', 0), Path(folder)
    run = {**RUN, 'step': step, 'seed': content['meta'].get('seed', 0)}
    run |= export_technique_states(content['state_dict'])
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for network, (short, export) in EXPORT.items():
        state = entries_under(content['state_dict'], f'{network}.')
        if state:
            path = folder / f'model={short}-current-weights-step={step}.pth'
            about = run if network == 'discriminator' else {}
            write_checkpoint(dict(state_dict=export(state), **about), path)
            written.append(path)
    return written
