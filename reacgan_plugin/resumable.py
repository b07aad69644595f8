"""Whether a run may go on from a checkpoint, asked before anything of it is loaded."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from numbers import Number
from pathlib import Path

import torch
from torch import Tensor
from torch.optim import Optimizer

from reacgan_plugin.checkpoint import BadCheckpoint, same_kind, weights_of
from reacgan_plugin.options import some
from reacgan_plugin.restoring import other_optimizers
from reacgan_plugin.sampling.classes import same_classes

PARTS = ('meta', 'state_dict', 'optimizer', 'param_schedulers', 'history')
BOOKKEEPING = (str, int, float, list, type(None))
ALONE = 'to start from its weights alone, set load_from'


def check_parts(checkpoint: dict, source: str | Path) -> None:
    """Everything that a run goes on from must be there, and of its kind.

    Raises: BadCheckpoint naming what is missing or something else.
    """
    weights_of(checkpoint, source)
    if 'optimizer' not in checkpoint:
        raise BadCheckpoint(f'{source} has weights alone; use load_from instead')
    missing = [part for part in PARTS if part not in checkpoint]
    if missing:
        raise BadCheckpoint(f'{source} lacks {", ".join(missing)}; {ALONE}')
    for part in (*PARTS, 'bookkeeping'):
        if not isinstance(checkpoint.get(part, {}), Mapping):
            raise BadCheckpoint(f'{part} in {source} is no dict')
    _check_meta(checkpoint['meta'], source)
    for name, entries in checkpoint['history'].items():
        if not _is_history(entries):
            raise BadCheckpoint(f'history in {source}: {name} is no list of numbers')
    for name, value in checkpoint.get('bookkeeping', {}).items():
        if not isinstance(value, BOOKKEEPING):
            kind = type(value).__name__
            raise BadCheckpoint(f'bookkeeping in {source}: {name} is a {kind}')


def _check_meta(meta: Mapping, source: str | Path) -> None:
    iteration, seed = meta.get('iter'), meta.get('seed')
    if not isinstance(iteration, int) or iteration < 0:
        raise BadCheckpoint(f'meta.iter in {source} is no number of iterations')
    if not isinstance(seed, int | None):
        kind = type(seed).__name__
        raise BadCheckpoint(f'meta.seed in {source} is a {kind}; allowed: a number')


def check_run(runner, checkpoint: Mapping, source: str | Path) -> None:
    """Classes, optimizers and schedules must be those of the run.

    Raises: BadCheckpoint naming what differs.
    """
    problem = other_classes(runner.class_names(), checkpoint['meta'])
    if problem:
        raise BadCheckpoint(f'{source} {problem}; {ALONE}')
    problem = other_optimizers(runner, checkpoint['meta'])
    if problem:
        raise BadCheckpoint(f'the config has {problem} of {source}; {ALONE}')
    check_optimizers(runner.optim_wrapper, checkpoint['optimizer'], source)
    schedulers = runner.param_schedulers or {}
    check_schedulers(schedulers, checkpoint['param_schedulers'], source)


def other_classes(ours: Sequence[str], meta: Mapping) -> str:
    """How the classes of a checkpoint differ by name or order from as many of a run;
    '' if they do not, or if one side has no names."""
    theirs = meta.get('classes')
    named = isinstance(theirs, list) and all(isinstance(name, str) for name in theirs)
    if not named or not ours or len(theirs) != len(ours):
        return ''
    ours = [str(name) for name in ours]
    if same_classes(ours, theirs) == list(range(len(ours))):
        return ''
    return (
        f'was trained on the classes {some(theirs)}, in the order of their labels, the '
        f'data of this run has {some(ours)}'
    )


def check_optimizers(ours: Mapping, saved: Mapping, source: str | Path) -> None:
    """States of optimizers must be of the same networks, parameters and methods.

    Args:
        ours: optim wrappers by network.
        saved: their states, as the checkpoint has them.
        source: the checkpoint's name.

    Raises: BadCheckpoint naming the network and what differs.
    """
    if set(saved) != set(ours.keys()):
        raise BadCheckpoint(
            f'{source} has optimizers of {some(map(str, saved)) or "nothing"}, the '
            f'config of {some(ours.keys())}'
        )
    for name, wrapper in ours.items():
        for problem in _of_another_optimizer(wrapper, saved[name]):
            raise BadCheckpoint(
                f'{source}: the optimizer of the {name} {problem}; {ALONE}'
            )


def check_schedulers(ours: Mapping, saved: Mapping, source: str | Path) -> None:
    """States of schedulers must be of the same ones, BadCheckpoint else."""
    states = {k: [s.state_dict() for s in listed] for k, listed in ours.items()}
    alike = saved.keys() == states.keys() and all(
        isinstance(saved[k], list)
        and len(saved[k]) == len(states[k])
        and all(map(_of_one_scheduler, states[k], saved[k]))
        for k in states
    )
    if not alike:
        raise BadCheckpoint(
            f'{source} was trained with another param_scheduler than the config has; '
            + ALONE
        )


def _of_one_scheduler(own: Mapping, saved) -> bool:
    return isinstance(saved, Mapping) and same_kind(own, saved)


def _of_another_optimizer(wrapper, saved) -> Iterator[str]:
    """What is wrong with an optimizer's saved state."""
    groups, states = parts_of_optimizer(saved)
    own = wrapper.optimizer.param_groups
    sizes = [len(group['params']) for group in own]
    if [size_of_group(group) for group in groups] != sizes or not all(
        map(_same_settings, own, groups)
    ):
        yield f'has other parameters than the {sum(sizes)} of the config'
        return
    parameters = dict(enumerate((group, p) for group in own for p in group['params']))
    for number, entries in states.items():
        if number not in parameters:
            yield f'has a state of parameter {number!r} of {len(parameters)}'
            continue
        kept = _entries_of(wrapper.optimizer, *parameters[number])
        if not _fits(entries, kept):
            yield (
                f'has another state of parameter {number} than '
                f'{", ".join(kept or ()) or "none"} of its shape'
            )
    scaler = getattr(wrapper, 'loss_scaler', None)
    scales = saved.get('loss_scaler')
    if scaler and scales and not same_kind(scaler.state_dict(), scales):
        yield 'has another loss scaler'


def parts_of_optimizer(saved) -> tuple[list, Mapping]:
    """Groups and states of a saved optimizer, empty where they are something else."""
    saved = saved if isinstance(saved, Mapping) else {}
    groups, states = saved.get('param_groups'), saved.get('state')
    whole = isinstance(groups, list) and isinstance(states, Mapping)
    return (groups, states) if whole else ([], {})


def size_of_group(group) -> int | None:
    """Parameters of a saved group."""
    listed = group.get('params') if isinstance(group, Mapping) else None
    return len(listed) if isinstance(listed, list) else None


def _same_settings(own: Mapping, group: Mapping) -> bool:
    """Whether a saved group has the numbers of a group, such as its learning rate, and
    switches where it has switches; which of these there are and how they stand depends
    on torch and the device."""

    def fits(name: str, value) -> bool:
        if isinstance(value, bool | None):
            return isinstance(group.get(name), bool | None)
        if isinstance(value, Number | tuple):
            return isinstance(group.get(name), Number | Tensor | tuple)
        return True

    return all(fits(name, value) for name, value in own.items())


def _fits(entries, kept: Mapping | None) -> bool:
    """Whether they are what an optimizer keeps of a parameter, in kind and shape; of
    an optimizer that cannot be asked any entries are."""
    if not isinstance(entries, Mapping) or kept is None:
        return isinstance(entries, Mapping)
    return same_kind(kept, entries) and all(
        entries[name].shape == value.shape
        for name, value in kept.items()
        if isinstance(value, Tensor)
    )


def _entries_of(
    optimizer: Optimizer, group: Mapping, parameter: Tensor
) -> Mapping | None:
    """What an optimizer keeps of a parameter, found out by a step of one like it on
    zeros; None where that cannot be done."""
    kind = type(optimizer)
    zeros = torch.nn.Parameter(torch.zeros_like(parameter))
    zeros.grad = torch.zeros_like(zeros)
    # some have defaults that they do not take, as AdamW decoupled_weight_decay
    taken = inspect.signature(kind).parameters
    defaults = {k: value for k, value in optimizer.defaults.items() if k in taken}
    try:
        alike = kind([{**group, 'params': [zeros]}], **defaults)
        alike.step()
    except Exception:  # it wants a closure, sparse gradients or all parameters at once
        return None
    return dict(alike.state[zeros])


def _is_history(entries) -> bool:
    """Whether it is two lists of numbers, equally long."""
    if not isinstance(entries, Mapping) or set(entries) != {'values', 'counts'}:
        return False
    values, counts = entries['values'], entries['counts']
    lists = isinstance(values, list) and isinstance(counts, list)
    return (
        lists
        and len(values) == len(counts)
        and all(isinstance(entry, Number) for entry in (*values, *counts))
    )
