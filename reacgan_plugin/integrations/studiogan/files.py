"""PyTorch-StudioGAN's checkpoint files, read into a checkpoint of ours and written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from numbers import Number
from pathlib import Path

import torch
from torch import Tensor, nn

from reacgan_plugin import __version__
from reacgan_plugin.checkpoint import (
    BadCheckpoint,
    load_state,
    read_checkpoint,
    weights_of,
    write_checkpoint,
)
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
from reacgan_plugin.resumable import check_optimizers, parts_of_optimizer, size_of_group

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
        steps.append(_step(content, path))
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
    state = weights_of(content, path) if 'state_dict' in content else content
    try:
        converted = CONVERT[name](state)
    except ValueError as error:
        raise BadCheckpoint(f'{path}: {error}') from error
    load_state(network, converted, path)
    if optimizer is None:
        return []
    if 'optimizer' not in content:
        return [f'{name}: {path} has no state of an optimizer, it starts anew']
    return _load_optimizer(optimizer, network, converted, content['optimizer'], path)


def _step(content: Mapping, path) -> int:
    try:
        return int(content.get('step', 0))
    except (TypeError, ValueError, RuntimeError) as error:
        raise BadCheckpoint(f'{path}: step is no number of iterations') from error


def _load_optimizer(
    optimizer, network: nn.Module, converted: Mapping, theirs, path
) -> list[str]:
    """Adam's averages, which are numbered in the order of each side's parameters."""
    ours = [key for key, _ in network.named_parameters()]
    trained = set(ours)
    order = [key for key in converted if key in trained]
    groups, entries = parts_of_optimizer(theirs)
    if [size_of_group(group) for group in groups] != [len(order)]:
        return [f'the optimizer in {path} has other parameters, it starts anew']
    places = {number: ours.index(key) for number, key in enumerate(order)}
    state = optimizer.state_dict()
    state['state'] = {
        places.get(number, number): _adam_entry(entry)
        for number, entry in entries.items()
    }
    check_optimizers({'network': optimizer}, {'network': state}, path)
    optimizer.load_state_dict(state)
    return []


def _adam_entry(entry):
    step = entry.get('step') if isinstance(entry, Mapping) else None
    if not isinstance(step, Number | Tensor):
        return entry  # which is refused
    return {**entry, 'step': torch.as_tensor(step, dtype=torch.float32)}


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
    Raises: ValueError for entries that StudioGAN has no place for, grey images among
    them, and for a file that is no checkpoint of ours.
    """
    content = read_checkpoint(checkpoint)
    if 'meta' not in content or 'state_dict' not in content:
        raise ValueError(f'{checkpoint} is no checkpoint of reacgan_plugin')
    _refuse_grey(content['meta'])
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


def _refuse_grey(meta: Mapping) -> None:
    model = json.loads(meta.get('config') or '{}').get('model', {})
    channels = model.get('image_channels', 3)
    if channels != 3:
        raise ValueError(
            f"model.image_channels={channels}; StudioGAN's networks have 3"
        )
