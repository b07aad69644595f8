"""What a run goes on from, put back, but for what its config has changed since."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mmengine.optim import _ParamScheduler
from torch.optim import Optimizer

from reacgan_plugin.checkpoint import restore_history
from reacgan_plugin.config import config_json
from reacgan_plugin.gan.optimizers import IMPLEMENTATIONS


class Change(NamedTuple):
    """A setting of an optimizer in the config of a checkpoint and in that of a run."""

    name: str
    old: object
    new: object


def restore(runner, checkpoint: Mapping, source: str) -> None:
    """Put back optimizers, schedules, history and bookkeeping of a checkpoint that was
    checked. Settings of optimizers that the config has changed since are the config's,
    with one warning; a schedule goes on from the new value. Another seed
    is a warning, too.
    """
    seed = checkpoint['meta'].get('seed')
    if seed != runner.seed:
        runner.logger.warning(
            f'{source} was trained with seed {seed}, this run has {runner.seed}: '
            'data order and noise differ from the run that is resumed'
        )
    for network, state in checkpoint['optimizer'].items():
        runner.optim_wrapper[network].load_state_dict(state)
    for network, listed in (runner.param_schedulers or {}).items():
        states = checkpoint['param_schedulers'][network]
        for scheduler, state in zip(listed, states, strict=True):
            scheduler.load_state_dict(state)
    _take_over_changes(runner, checkpoint, source)
    restore_history(runner.message_hub, checkpoint['history'])
    for name, value in checkpoint.get('bookkeeping', {}).items():
        runner.message_hub.update_info(name, value)


def _take_over_changes(runner, checkpoint: Mapping, source: str) -> None:
    schedulers = runner.param_schedulers or {}
    remarks = []
    configs = _read(checkpoint['meta'].get('config')), _read(config_json(runner.cfg))
    for network, wrapper in runner.optim_wrapper.items():
        old, new = (_optimizer_in(config, network) for config in configs)
        for change in changed_settings(wrapper.optimizer, old, new):
            take_over(change, wrapper.optimizer, schedulers.get(network, ()))
            key = f'optim_wrapper.{network}.optimizer.{change.name}'
            remarks.append(f'{key}={change.new!r} instead of {change.old!r}')
    if remarks:
        runner.logger.warning(
            f'the config has changed since {source}: {", ".join(remarks)}; going on '
            "with the config's"
        )


def other_optimizers(runner, meta: Mapping) -> str:
    """Which networks had another optimizer than the config names, in words; '' for
    none. Their states may look alike, and Adam's would make an Adam of AdamW."""
    configs = _read(meta.get('config')), _read(config_json(runner.cfg))
    words = []
    for network in runner.optim_wrapper.keys():
        kinds = [_optimizer_in(config, network).get('type') for config in configs]
        old, new = (str(kind).rpartition('.')[2] for kind in kinds)
        if None not in kinds and old != new:
            key = f'optim_wrapper.{network}.optimizer.type'
            words.append(f'{key}={new!r} instead of {old!r}')
    return ', '.join(words)


def changed_settings(optimizer: Optimizer, old: Mapping, new: Mapping) -> list[Change]:
    """Settings in which two configs of an optimizer differ; none where one is lost.
    What a config leaves out is the optimizer's default."""
    if not old or not new:
        return []
    taken = inspect.signature(type(optimizer)).parameters
    names = ({*old, *new} & {*optimizer.defaults}) - {*IMPLEMENTATIONS}
    changes = []
    for name in sorted(names & {*taken}):
        values = (config.get(name, taken[name].default) for config in (old, new))
        change = Change(name, *(tuple(v) if isinstance(v, list) else v for v in values))
        if change.old != change.new:
            changes.append(change)
    return changes


def take_over(
    change: Change, optimizer: Optimizer, schedulers: Sequence[_ParamScheduler]
) -> None:
    """Give a changed setting to an optimizer; what a schedule or a group has made of a
    number stays in proportion."""
    name, old, new = change
    in_proportion = _is_number(old) and _is_number(new) and old

    def changed(current):
        return current * (new / old) if in_proportion and current != old else new

    for group in optimizer.param_groups:
        for key in {name, f'initial_{name}'} & group.keys():
            group[key] = changed(group[key])
    for scheduler in schedulers:
        if scheduler.param_name == name:
            scheduler.base_values = [changed(v) for v in scheduler.base_values]


def _is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _read(config) -> object:
    """A config of a checkpoint; None where it is something else."""
    try:
        return json.loads(config)
    except (TypeError, ValueError):
        return None


def _optimizer_in(config, network: str) -> Mapping:
    for key in ('optim_wrapper', network, 'optimizer'):
        config = config.get(key) if isinstance(config, Mapping) else None
    return config if isinstance(config, Mapping) else {}
