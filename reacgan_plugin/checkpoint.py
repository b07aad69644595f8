"""Checkpoints: written aside and renamed, read as data and never executed."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterable, Mapping
from numbers import Number
from pathlib import Path

import torch
from mmengine.logging import HistoryBuffer
from torch import nn

from reacgan_plugin.options import some
from reacgan_plugin.writing import replacing

LAST = 'last_checkpoint'  # file with the path of one
KEPT = 10_000  # entries of each logged scalar that a checkpoint holds


class BadCheckpoint(ValueError):
    """A checkpoint that is not there, not data alone, or of another model."""


class BrokenCheckpoint(BadCheckpoint):
    """A checkpoint that was whole once, or never: cut off, altered, or something else;
    the one before may serve in its place."""


def write_checkpoint(checkpoint: dict, path: str | Path) -> None:
    """Write a checkpoint so that a kill or a full disk leaves the one before whole.

    Raises: OSError naming the file that could not be written.
    """
    path = Path(path)
    try:
        with replacing(path, path.with_name(f'.{path.name}.partial')) as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
        _flush_names(path.parent)
    except (OSError, RuntimeError) as error:
        # torch's writer stumbles over a write cut short, and forgets what cut it
        reason = error if isinstance(error, OSError) else error.__context__
        if not isinstance(reason, OSError):
            raise
        raise OSError(
            f'checkpoint {path} cannot be written: {reason}; those written before are '
            'as they were'
        ) from error


def _flush_names(folder: Path) -> None:
    """Make a renaming survive a power cut, where the system lets one."""
    try:
        opened = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(opened)
    except OSError:
        pass
    finally:
        os.close(opened)


def read_checkpoint(path: str | Path, map_location='cpu') -> dict:
    """Read a checkpoint with ``weights_only=True``, after comparing its checksums.

    Raises: BadCheckpoint when the file is missing or would have to execute code,
    BrokenCheckpoint when it is damaged or no checkpoint.
    """
    if str(path).startswith(('http://', 'https://')):
        raise BadCheckpoint(f'{path} is an address; download it and give the file')
    path = Path(path)
    if not path.is_file():
        raise BadCheckpoint(f'checkpoint {path} does not exist')
    with open(path, 'rb') as file:  # the system's own words on access are clear
        try:
            _compare_checksums(file)
            content = torch.load(file, map_location=map_location, weights_only=True)
        except Exception as error:  # broken files fail in many ways
            raise _unreadable(path, error) from error
    if not isinstance(content, dict):
        raise BrokenCheckpoint(
            f'checkpoint {path} holds a {type(content).__name__} instead of a dict'
        )
    return content


def _compare_checksums(file) -> None:
    """torch reads a zip file's tensors without looking at their checksums, so that a
    flipped bit would train on as another weight."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f'the checksum of {damaged} is wrong')
    file.seek(0)


def _unreadable(path: Path, error: Exception) -> BadCheckpoint:
    """What torch's reader meant."""
    found = re.search(r'GLOBAL (\S+)', str(error))
    if not found:
        what = f' ({error})' if type(error) is ValueError else ''
        return BrokenCheckpoint(
            f'checkpoint {path} is broken or not a checkpoint{what}; only tensors and '
            'plain data are loaded'
        )
    return BadCheckpoint(
        f'checkpoint {path} would execute {found[1]}; if you trust it, keep its '
        "weights alone: torch.save({'state_dict': torch.load(OLD, weights_only=False)"
        "['state_dict']}, NEW); only tensors and plain data are loaded"
    )


def weights_of(checkpoint: dict, source: str | Path) -> Mapping:
    """The state dict of a model; BadCheckpoint where there is none."""
    state = checkpoint.get('state_dict')
    if not isinstance(state, Mapping):
        found = some(map(str, checkpoint)) or 'nothing'
        raise BadCheckpoint(f'{source} has no state_dict; found: {found}')
    return state


def about(checkpoint: dict) -> Mapping:
    """What a checkpoint says of the run that wrote it; nothing, perhaps."""
    meta = checkpoint.get('meta')
    return meta if isinstance(meta, Mapping) else {}


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


def differences(own: Mapping, state: Mapping) -> str:
    """What a state dict lacks or has beyond a module's own, in one line; '' if they
    have the same names, shapes and kinds."""
    shared = [name for name in own if name in state]
    alike = [name for name in shared if same_kind(own[name], state[name])]
    problems = {
        'missing': [name for name in own if name not in state],
        'unexpected': [name for name in state if name not in own],
        'of another kind': [name for name in shared if name not in set(alike)],
        'of another shape': [
            f'{name} {tuple(state[name].shape)} instead of {tuple(own[name].shape)}'
            for name in alike
            if isinstance(own[name], torch.Tensor)
            and own[name].shape != state[name].shape
        ],
    }
    return '; '.join(
        f'{kind}: {some(map(str, names))}' for kind, names in problems.items() if names
    )


def same_kind(own, other) -> bool:
    """Whether a value may stand for another: two tensors, two numbers, or two dicts
    with the same keys, whose values may."""
    if isinstance(own, torch.Tensor) or isinstance(other, torch.Tensor):
        return isinstance(own, torch.Tensor) and isinstance(other, torch.Tensor)
    if isinstance(own, Mapping) and isinstance(other, Mapping):
        return own.keys() == other.keys() and all(
            same_kind(own[key], other[key]) for key in own
        )
    kind = Number if isinstance(own, Number) else type(own)
    return isinstance(other, kind)


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
    """What must be known after a resume: the best scores, their files, the iterations
    whose checkpoints are kept, and how often the run was rolled back."""
    names = ('best_', 'keep_ckpt_ids', 'last_ckpt', 'redraws')
    found = message_hub.runtime_info.items()
    return {name: _plain(value) for name, value in found if name.startswith(names)}


def _plain(value):
    if isinstance(value, torch.Tensor) or hasattr(value, 'dtype'):
        return float(value)
    return value if isinstance(value, str | int | float | None) else list(value)


def _newest(entries) -> list:
    return entries[-KEPT:].tolist()


def newest_checkpoint(folder: str | Path) -> Path | None:
    """The latest checkpoint of the last run in a folder, if there is one."""
    return next(iter(of_last_run(folder)), None)


def note_last(path: Path) -> None:
    """Note in its folder which checkpoint was written last, as mmengine's hook does."""
    path.with_name(LAST).write_text(str(path))


def of_last_run(folder: str | Path) -> list[Path]:
    """Checkpoints up to the one that was written last, which is the first: those of
    later iterations are of a run before, or of one that was gone back behind."""
    found = checkpoints_in(folder)
    try:
        last = Path(Path(folder, LAST).read_text().strip()).name
    except (OSError, UnicodeDecodeError):
        return found
    names = [path.name for path in found]
    return found[names.index(last) :] if last in names else found


def checkpoints_in(folder: str | Path) -> list[Path]:
    """All ``iter_N.pth`` of a folder, that of the latest iteration first."""
    numbered = {
        int(found[1]): path
        for path in Path(folder).glob('iter_*.pth')
        if (found := re.fullmatch(r'iter_(\d+)', path.stem))
    }
    return [numbered[number] for number in sorted(numbered, reverse=True)]


def newest_whole(folder: str | Path) -> tuple[Path | None, list[str]]:
    """The newest checkpoint of a folder's last run that can be read, None where there
    is none at all, and what is wrong with those that are newer.

    Raises: BrokenCheckpoint when there are some and all of them are broken.
    """
    path, problems = first_whole(of_last_run(folder), BrokenCheckpoint)
    if path is None and problems:
        raise BrokenCheckpoint(
            f'{folder} has no whole checkpoint: {"; ".join(problems)}. To start anew, '
            'leave out --resume'
        )
    return path, problems


def first_whole(
    paths: Iterable[Path], *passed_over: type[Exception]
) -> tuple[Path | None, list[str]]:
    """The first of several checkpoints that can be read, if there is one, and what is
    wrong with those before it.

    Raises: what reading raises and is not ``passed_over``.
    """
    problems: list[str] = []
    for path in paths:
        try:
            read_checkpoint(path)
        except passed_over as error:
            problems.append(str(error))
        else:
            return path, problems
    return None, problems
