"""Checkpoints: written aside and renamed, read as data and never executed."""

from __future__ import annotations

import os
import re
from pathlib import Path

import torch
from mmengine.logging import HistoryBuffer
from torch import nn

from reacgan_plugin.options import some

KEPT = 10_000  # entries of each logged scalar that a checkpoint holds


class BadCheckpoint(ValueError):
    """A checkpoint that is not there, not data alone, or of another model."""


def write_checkpoint(checkpoint: dict, path: str | Path) -> None:
    """Write a checkpoint so that a kill or a full disk leaves the one before whole."""
    path = Path(path)
    aside = path.with_name(f'.{path.name}.partial')
    try:
        with open(aside, 'wb') as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def read_checkpoint(path: str | Path, map_location='cpu') -> dict:
    """Read a checkpoint with ``weights_only=True``.

    Raises: BadCheckpoint when the file is missing, broken, or would have to execute
    code.
    """
    if str(path).startswith(('http://', 'https://')):
        raise BadCheckpoint(f'{path} is an address; download it and give the file')
    path = Path(path)
    if not path.is_file():
        raise BadCheckpoint(f'checkpoint {path} does not exist')
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except OSError:
        raise  # the disk's own words are clear
    except Exception as error:  # torch's reader fails in many ways on a broken file
        found = re.search(r'GLOBAL (\S+)', str(error))
        what = 'is broken or not a checkpoint'
        if found:
            what = (
                f'would execute {found[1]}; if you trust it, keep its weights alone: '
                "torch.save({'state_dict': torch.load(OLD, weights_only=False)"
                "['state_dict']}, NEW)"
            )
        raise BadCheckpoint(
            f'checkpoint {path} {what}; only tensors and plain data are loaded'
        ) from error


def load_state(module: nn.Module, state: dict, source: str | Path) -> None:
    """Load a state dict, every entry of it.

    Raises: BadCheckpoint listing missing and unexpected names and differing shapes.
    """
    found = differences(module.state_dict(), state)
    if found:
        raise BadCheckpoint(
            f'{source} is of another architecture or conditioning than the config; '
            + found
        )
    module.load_state_dict(state)


def differences(own: dict, state: dict) -> str:
    """What a state dict lacks or has beyond a module's own, in one line; '' if they
    have the same names and shapes."""
    problems = {
        'missing': [name for name in own if name not in state],
        'unexpected': [name for name in state if name not in own],
        'of another shape': [
            f'{name} {tuple(state[name].shape)} instead of {tuple(own[name].shape)}'
            for name in own
            if name in state
            and isinstance(own[name], torch.Tensor)
            and isinstance(state[name], torch.Tensor)
            and own[name].shape != state[name].shape
        ],
    }
    return '; '.join(
        f'{kind}: {some(names)}' for kind, names in problems.items() if names
    )


def plain_history(message_hub) -> dict:
    """mmengine's scalar histories as lists of numbers, which load without pickle; of
    each the newest entries, so that a checkpoint of a long run stays small."""
    return {
        name: dict(values=_newest(buffer.data[0]), counts=_newest(buffer.data[1]))
        for name, buffer in message_hub.log_scalars.items()
    }


def restore_history(message_hub, history: dict) -> None:
    """Put what :func:`plain_history` gave back into a message hub."""
    for name, entries in history.items():
        buffer = HistoryBuffer(entries['values'], entries['counts'])
        message_hub.log_scalars[name] = buffer


def bookkeeping(message_hub) -> dict:
    """What mmengine's checkpoint hook must know after a resume: the best scores, their
    files, and the iterations whose checkpoints it keeps."""
    names = ('best_', 'keep_ckpt_ids', 'last_ckpt')
    found = message_hub.runtime_info.items()
    return {name: _plain(value) for name, value in found if name.startswith(names)}


def _plain(value):
    if isinstance(value, torch.Tensor) or hasattr(value, 'dtype'):
        return float(value)
    return value if isinstance(value, str | int | float | None) else list(value)


def _newest(entries) -> list:
    return entries[-KEPT:].tolist()


def newest_checkpoint(folder: str | Path) -> Path | None:
    """The checkpoint of the latest iteration in a folder, if there is one."""
    numbered = {
        int(found[1]): path
        for path in Path(folder).glob('iter_*.pth')
        if (found := re.fullmatch(r'iter_(\d+)', path.stem))
    }
    return numbered[max(numbered)] if numbered else None
