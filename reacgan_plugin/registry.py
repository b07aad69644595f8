"""Registries, children of mmengine's roots under the scope ``reacgan_plugin``.

Classes are registered from one list, ``components.py``, which mmengine imports on the
first look-up. Users' own files register into the same registries::

    from reacgan_plugin.registry import BACKBONES

    @BACKBONES.register_module()
    class MyBackbone(nn.Module): ...
"""

from __future__ import annotations

from mmengine import registry as root
from mmengine.registry import DefaultScope, Registry

from reacgan_plugin.options import did_you_mean

SCOPE = 'reacgan_plugin'


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


def build(registry: Registry, cfg, **defaults):
    """Build a config dict in our scope; anything that is not a dict passes as it is.

    Raises: ValueError when ``type`` is missing or names nothing, with the nearest
    name that is registered.
    """
    if not isinstance(cfg, dict):
        return cfg
    check_type(registry, cfg)
    with DefaultScope.overwrite_default_scope(SCOPE):
        return registry.build({**defaults, **cfg})


def check_type(registry: Registry, cfg: dict, key: str | None = None) -> None:
    """ValueError unless ``cfg['type']`` is a class or a name the registry finds."""
    key = key or registry.name
    if 'type' not in cfg:
        raise ValueError(f'{key}: the key type is missing in {dict(cfg)!r}')
    kind = cfg['type']
    if not isinstance(kind, str):
        return
    with DefaultScope.overwrite_default_scope(SCOPE):
        if registry.get(kind) is not None:
            return
    names = known_names(registry)
    own = sorted(registry.module_dict)
    raise ValueError(
        f'{key}: type={kind!r} is not registered{did_you_mean(kind, names)}; '
        f'this package has: {", ".join(own)}'
    )


def known_names(registry: Registry) -> list[str]:
    """Names in a registry and its parents."""
    names: list[str] = []
    current: Registry | None = registry
    while current is not None:
        current.import_from_location()
        names += current.module_dict
        current = current.parent
    return names


def build_conditioning(cfg, in_channels: int, num_classes: int):
    """The conditioning of a config (or one built) and its head, (loss, head).

    Args:
        cfg: ``dict(type='D2DCE', ...)`` or a built conditioning.
        in_channels: C, width of the backbone's features.
        num_classes: K.

    Raises: ValueError without a config or for a type that is not registered.
    """
    if cfg is None:
        raise ValueError(
            "model.loss is missing: name a conditioning, loss=dict(type='D2DCE'), "
            "or none of them by loss=dict(type='Unconditional')"
        )
    loss = build(MODELS, cfg)
    return loss, loss.build_head(in_channels, num_classes)
