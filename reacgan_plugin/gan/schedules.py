"""Schedules of the two networks' learning rates, which count iterations: updates of the
generator, whatever the micro-batches and updates of the discriminator in one."""

from __future__ import annotations

from collections.abc import Mapping

from mmengine.optim import _ParamScheduler

from reacgan_plugin.gan.optimizers import NETWORKS
from reacgan_plugin.options import did_you_mean
from reacgan_plugin.registry import PARAM_SCHEDULERS, check_type

KEY = 'param_scheduler'


def schedules_by_network(cfg) -> dict[str, list]:
    """The schedules of either network.

    Args:
        cfg: a schedule, ``dict(type='LinearLR', ...)``, or a list of them, for both
            networks; or ``dict(generator=..., discriminator=...)``, each entry of which
            is one or a list. A network without an entry keeps its rate. A schedule
            without ``end`` ends with the run, and stays at its end where a run is
            resumed for more iterations than it began with.

    Raises: ValueError for an entry that names no network, for one that is no schedule,
    and for a schedule that counts epochs, of which there are none.
    """
    if isinstance(cfg, Mapping) and 'type' in cfg and set(cfg) & set(NETWORKS):
        raise ValueError(
            f'{KEY} has a type and an entry for a network: a schedule of both, perhaps '
            "the base config's, and one of each; allowed: one of them, the latter with "
            '_delete_=True'
        )
    if not isinstance(cfg, Mapping) or 'type' in cfg:
        return {name: _listed(KEY, cfg) for name in NETWORKS}
    for name in cfg:
        if name not in NETWORKS:
            raise ValueError(
                f'{KEY}.{name} is not a network; allowed: {", ".join(NETWORKS)}, or a '
                f'schedule of both, which has a type{did_you_mean(name, NETWORKS)}'
            )
    return {name: _listed(f'{KEY}.{name}', cfg.get(name, [])) for name in NETWORKS}


def _listed(key: str, entries) -> list:
    if isinstance(entries, list | tuple):
        return [_by_iteration(f'{key}[{i}]', entry) for i, entry in enumerate(entries)]
    return [_by_iteration(key, entries)]


def _by_iteration(key: str, entry):
    """A schedule's config with ``by_epoch=False``; one that is built stays."""
    if isinstance(entry, _ParamScheduler):
        return entry
    if not isinstance(entry, Mapping):
        raise ValueError(
            f"{key}={entry!r} is no schedule; allowed: dict(type='LinearLR', ...) or a "
            'list of them'
        )
    check_type(PARAM_SCHEDULERS, entry, key)
    if entry.get('by_epoch'):
        raise ValueError(f'{key}.by_epoch=True: there are no epochs here')
    return {**entry, 'by_epoch': False}
