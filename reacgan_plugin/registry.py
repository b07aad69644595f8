"""Registries, children of mmengine's roots under the scope ``reacgan_plugin``.

Classes are registered from one list, ``components.py``, which mmengine imports on the
first look-up. Users' own files register into the same registries::

    from reacgan_plugin.registry import BACKBONES

    @BACKBONES.register_module()
    class MyBackbone(nn.Module): ...
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import NoReturn

from mmengine import registry as root
from mmengine.registry import DefaultScope, Registry

from reacgan_plugin.conditioning.base import Conditioning
from reacgan_plugin.conditioning.names import CONDITIONINGS
from reacgan_plugin.options import did_you_mean, nearest
from reacgan_plugin.signatures import misfit, settings_of, shown

SCOPE = 'reacgan_plugin'
THEIRS = ('mmengine', 'mmcv', 'torch')  # which assert what they allow


def _child(name: str, parent: Registry) -> Registry:
    return Registry(
        name, parent=parent, scope=SCOPE, locations=['reacgan_plugin.components']
    )


MODELS = _child('model', root.MODELS)
BACKBONES = MODELS
DATASETS = _child('dataset', root.DATASETS)
TRANSFORMS = _child('transform', root.TRANSFORMS)
HOOKS = _child('hook', root.HOOKS)
METRICS = _child('metric', root.METRICS)
OPTIM_WRAPPER_CONSTRUCTORS = _child(
    'optim_wrapper_constructor', root.OPTIM_WRAPPER_CONSTRUCTORS
)
RUNNERS = _child('runner', root.RUNNERS)
LOOPS = _child('loop', root.LOOPS)
DATA_SAMPLERS = _child('data_sampler', root.DATA_SAMPLERS)
OPTIMIZERS = _child('optimizer', root.OPTIMIZERS)
OPTIM_WRAPPERS = _child('optim_wrapper', root.OPTIM_WRAPPERS)
PARAM_SCHEDULERS = _child('parameter scheduler', root.PARAM_SCHEDULERS)
VISUALIZERS = _child('visualizer', root.VISUALIZERS)
VISBACKENDS = _child('vis_backend', root.VISBACKENDS)
LOG_PROCESSORS = _child('log_processor', root.LOG_PROCESSORS)

ALL = (
    MODELS,
    DATASETS,
    TRANSFORMS,
    HOOKS,
    METRICS,
    OPTIM_WRAPPER_CONSTRUCTORS,
    RUNNERS,
    LOOPS,
    DATA_SAMPLERS,
    OPTIMIZERS,
    OPTIM_WRAPPERS,
    PARAM_SCHEDULERS,
    VISUALIZERS,
    VISBACKENDS,
    LOG_PROCESSORS,
)


def build(registry: Registry, cfg, **defaults):
    """Build a config dict in our scope; anything that is not a dict passes as it is.

    Raises: ValueError when ``type`` is missing or names nothing, with the nearest
    name that is registered.
    """
    if not isinstance(cfg, dict):
        return cfg
    check_type(registry, cfg)
    try:
        with DefaultScope.overwrite_default_scope(SCOPE):
            return registry.build({**defaults, **cfg})
    except (AssertionError, KeyError, TypeError) as error:
        raise_as_refusal(error, registered(registry, cfg), shown(cfg))


def raise_as_refusal(error: Exception, kind, what: str) -> NoReturn:
    """ValueError for what mmengine, mmcv and torch say of settings in other ways, or
    without naming them; an error of anybody else's class stays as it is."""
    if getattr(kind, '__module__', '').partition('.')[0] not in THEIRS:
        raise error
    words = ' '.join(str(error).split()) or 'a setting is not allowed'
    raise ValueError(f'{what}: {type(error).__name__}: {words}') from error


def check_type(
    registry: Registry, cfg: Mapping, key: str | None = None, allowed=()
) -> None:
    """ValueError unless ``cfg['type']`` is a class or a name the registry finds; the
    message lists ``allowed``, or else this package's names."""
    key = key or registry.name
    if 'type' not in cfg:
        hint = did_you_mean('type', cfg)
        raise ValueError(f'{key}: the key type is missing in {shown(cfg)}{hint}')
    kind = cfg['type']
    if not isinstance(kind, str) and not callable(kind):
        raise ValueError(f'{key}.type={shown(kind)}; allowed: a registered name')
    if registered(registry, cfg) is not None:
        return
    own = sorted(allowed or registry.module_dict or known_names(registry))
    hint = did_you_mean(kind, [*own, *known_names(registry)])
    raise ValueError(
        f'{key}: type={kind!r} is not registered{hint}; known: {", ".join(own)}'
    )


def registered(registry: Registry, cfg: Mapping):
    """The class or function that a config's ``type`` names; None if there is none."""
    if not isinstance(cfg['type'], str):
        return cfg['type']
    with DefaultScope.overwrite_default_scope(SCOPE):
        found = registry.get(cfg['type'])
    return found if callable(found) else None


def check_keywords(registry: Registry, cfg: Mapping, key: str, given=()) -> None:
    """A config's keys must be what its type takes, with values of the kind that its
    signature says, and those it needs must be there.

    Args:
        registry: where ``type`` is looked up.
        cfg: the config dict.
        key: its place, for the message.
        given: names that the builder adds by itself.

    Raises: ValueError naming the key, what was found and what is allowed.
    """
    known, takes_any = settings_of(registered(registry, cfg))
    check_settings(known, cfg, key, str(cfg['type']), takes_any=takes_any)
    for name, parameter in known.items():
        if parameter.default is parameter.empty and name not in {*cfg, *given}:
            raise ValueError(f'{key}: {cfg["type"]} needs the setting {name}')


def check_settings(
    known: Mapping[str, inspect.Parameter],
    cfg: Mapping,
    key: str,
    owner: str,
    *,
    takes_any: bool = False,
) -> None:
    """ValueError for an entry that no parameter has the name or the kind of; the
    message says whose settings they are."""
    for name, value in cfg.items():
        if name in ('type', '_scope_'):
            continue
        if name in known:
            allowed = misfit(value, known[name])
            if allowed:
                raise ValueError(f'{key}.{name}={shown(value)}; allowed: {allowed}')
        elif not takes_any or nearest(name, known, cutoff=0.8):
            raise ValueError(
                f'{key}.{name} is no setting of {owner}'
                f'{did_you_mean(name, ["type", *known])}; allowed: '
                + (', '.join(known) or 'none')
            )


def parameters_of(registry: Registry, cfg: Mapping) -> dict | None:
    """Parameters of what a config's ``type`` names; None where any keyword goes."""
    known, takes_any = settings_of(registered(registry, cfg))
    return None if takes_any else known


def known_names(registry: Registry) -> list[str]:
    """Names in a registry and its parents."""
    names: list[str] = []
    current: Registry | None = registry
    while current is not None:
        current.import_from_location()
        names += current.module_dict
        current = current.parent
    return names


def built_conditioning(cfg, key: str = 'model.loss'):
    """The conditioning of a config, or one that is built already.

    Raises: ValueError without a config, for a type that is not registered, and for a
    component that is no conditioning.
    """
    if cfg is None:
        raise ValueError(
            f"{key} is missing: name a conditioning, loss=dict(type='D2DCE'), "
            "or none of them by loss=dict(type='Unconditional')"
        )
    if isinstance(cfg, dict):
        check_type(MODELS, cfg, key, CONDITIONINGS)
    loss = build(MODELS, cfg)
    if not isinstance(loss, Conditioning):
        raise ValueError(
            f'{key}={cfg!r} is no conditioning, such as '
            "dict(type='D2DCE'): it brings no head"
        )
    return loss


def build_conditioning(cfg, in_channels: int, num_classes: int, layers=None):
    """The conditioning of a config (or one built) and its head, (loss, head).

    Args:
        cfg: ``dict(type='D2DCE', ...)`` or a built conditioning.
        in_channels: C, width of the backbone's features.
        num_classes: K.
        layers: kit that makes the head's weights, where the backbone names one.

    Raises: as :func:`built_conditioning`.
    """
    loss = built_conditioning(cfg)
    return loss, loss.build_head(in_channels, num_classes, layers=layers)
