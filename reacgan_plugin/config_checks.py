"""Checks of a whole config before anything is built or written.

Every component in it must exist and take its settings, at whatever depth; what stands
around them must be known, too. Ranges are the components' own business.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping

from mmengine.logging import HistoryBuffer
from mmengine.runner import Runner
from mmengine.utils.dl_utils import set_multi_processing
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from reacgan_plugin import registry
from reacgan_plugin.conditioning.names import CONDITIONINGS
from reacgan_plugin.data.loader import check_loader
from reacgan_plugin.gan.optimizers import (
    NETWORKS,
    GANOptimWrapperConstructor,
    refuse_unfit,
)
from reacgan_plugin.gan.schedules import schedules_by_network
from reacgan_plugin.hook_checks import check_name, check_priority
from reacgan_plugin.options import in_range, nearest, one_of, whole
from reacgan_plugin.registry import check_settings
from reacgan_plugin.signatures import is_of, settings_of, shown

REFUSED_LATER = ('compile', 'strategy', 'runner_type')  # by runners, with reasons
NEEDED = ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper')
HOLDERS = ('reacgan_plugin', 'mmengine', 'mmcv')
# settings whose dicts are components, in classes of these packages
HOLD = {
    **dict.fromkeys(
        (
            'generator',
            'discriminator',
            'loss',
            'method',
            'adversarial_loss',
            'techniques',
            'data_preprocessor',
            'extractor',
            'features',
        ),
        registry.MODELS,
    ),
    **dict.fromkeys(
        ('dataset', 'datasets', 'train', 'held_out', 'reference'), registry.DATASETS
    ),
    **dict.fromkeys(('pipeline', 'transforms'), registry.TRANSFORMS),
    'metrics': registry.METRICS,
    'optimizer': registry.OPTIMIZERS,
    'vis_backends': registry.VISBACKENDS,
}
# what the builder adds by itself, by the setting that holds a component
GIVEN = {
    'generator': ('num_classes',),
    'optimizer': ('params',),
    'vis_backends': ('save_dir',),
    'train_cfg': ('runner', 'dataloader'),
    'param_scheduler': ('optimizer', 'param_name'),
}
LARGEST_SEED = 2**32 - 1  # that numpy takes
PARAMWISE = (
    'custom_keys',
    'bias_lr_mult',
    'bias_decay_mult',
    'norm_decay_mult',
    'flat_decay_mult',
    'dwconv_decay_mult',
    'dcn_offset_lr_mult',
    'bypass_duplicate',
)


def check_types(config: Mapping) -> None:
    """Every component that a training run will build must exist and take its settings,
    and so must everything around them.

    Raises: ValueError naming the key, what was found, and the nearest that is allowed.
    """
    _check_keys(config)
    _check_component('model', registry.MODELS, config['model'])
    check_loader(config['train_dataloader'])
    _check_held('train_dataloader', config['train_dataloader'])
    _check_held('the config', {'held_out': config.get('held_out')})
    loop = {'type': 'GANTrainLoop', **config['train_cfg']}
    _check_component('train_cfg', registry.LOOPS, loop)
    _check_optimizers(config['optim_wrapper'])
    schedules = schedules_by_network(config.get('param_scheduler') or [])
    for entry in {id(e): e for listed in schedules.values() for e in listed}.values():
        _check_component('param_scheduler', registry.PARAM_SCHEDULERS, entry)
    _check_hooks(config)
    _check('visualizer', registry.VISUALIZERS, config.get('visualizer'))
    processor = {'type': 'LogProcessor', **(config.get('log_processor') or {})}
    _check('log_processor', registry.LOG_PROCESSORS, processor)
    _check_log_processor(config.get('log_processor') or {})
    _check_surroundings(config)


def check_loss(loss, adversarial_loss=None) -> None:
    """As :func:`check_types`, of these two entries of a model alone."""
    _check('model.loss', registry.MODELS, loss)
    _check('model.adversarial_loss', registry.MODELS, adversarial_loss)


def own_variables(config: Mapping) -> list[str]:
    """Top-level names that are no settings: variables of who wrote the config."""
    known = top_level_settings()
    return [name for name in config if name not in known and not name.startswith('_')]


def _surroundings(
    total_batch_size: int = 0,
    custom_imports: dict | None = None,
    held_out: dict | None = None,
    model_wrapper_cfg: dict | None = None,
    sync_bn: bool | str | None = None,
    resume: bool | str = False,
    default_hooks: dict | None = None,
    custom_hooks: list | None = None,
) -> None:
    """Top-level keys that mmengine's runner has no parameters for, or whose entries are
    checked one by one."""


def _environment(
    cudnn_benchmark: bool = False,
    mp_cfg: dict | None = None,
    dist_cfg: dict | None = None,
    resource_limit: int = 4096,
) -> None:
    """Settings of ``env_cfg``."""


def _logged(
    data_src: str, window_size: int | str, method_name: str = 'mean', log_name: str = ''
) -> None:
    """An entry of ``log_processor.custom_cfg``."""


def top_level_settings() -> dict[str, inspect.Parameter]:
    """Keys of a config, with the kinds of their values."""
    ours, _ = settings_of(_surroundings)
    theirs, _ = settings_of(Runner)
    return {**theirs, **ours}


def _check_keys(config: Mapping) -> None:
    known = top_level_settings()
    for name in own_variables(config):
        meant = nearest(name, known, cutoff=0.85)
        if meant:
            raise ValueError(
                f'{name} is no key of a config (did you mean {meant!r}?); a variable '
                'of your own needs a name less like a key'
            )
    for name in NEEDED:
        if config.get(name) is None:
            raise ValueError(f'the config has no {name}; it needs {", ".join(NEEDED)}')
    found = {name: config[name] for name in config if name in known}
    check_settings(known, found, 'the config', 'a config')


def _check_component(key: str, kind, entry: Mapping) -> None:
    """A component, and all those in it."""
    name = key.rpartition('.')[2].partition('[')[0]
    allowed = CONDITIONINGS if key.startswith('model.loss') else ()
    registry.check_type(kind, entry, key, allowed)
    registry.check_keywords(kind, entry, key, GIVEN.get(name, ()))
    if is_of(registry.registered(kind, entry), HOLDERS):
        _check_held(key, entry)


def _check_held(key: str, holder: Mapping) -> None:
    """Components that are settings of something."""
    for name, entry in holder.items():
        if name in HOLD:
            _check(f'{key}.{name}'.removeprefix('the config.'), HOLD[name], entry)


def _check(key: str, kind, entry) -> None:
    """A component, a list of them, or what is built already."""
    if isinstance(entry, Mapping):
        _check_component(key, kind, entry)
    elif isinstance(entry, list | tuple):
        for i, inner in enumerate(entry):
            if inner is None or isinstance(inner, str | int | float):
                raise ValueError(f'{key}[{i}]={shown(inner)}; allowed: dict(type=...)')
            _check(f'{key}[{i}]', kind, inner)


def _check_hooks(config: Mapping) -> None:
    named = config.get('default_hooks') or {}
    for name in named:
        check_name(name)
    entries = [(f'default_hooks.{name}', hook) for name, hook in named.items()]
    for i, hook in enumerate(config.get('custom_hooks') or ()):
        entries.append((f'custom_hooks[{i}]', hook))
    for key, hook in entries:
        if isinstance(hook, Mapping):
            check_priority(f'{key}.priority', hook.get('priority'))
            hook = {k: v for k, v in hook.items() if k != 'priority'}  # the runner's
            _check_component(key, registry.HOOKS, hook)
        elif isinstance(hook, str | list | tuple | int | float):
            raise ValueError(
                f"{key}={shown(hook)}; allowed: dict(type='LoggerHook', ...)"
            )


def _check_optimizers(cfg: Mapping) -> None:
    if not isinstance(cfg.get('constructor'), str):
        raise ValueError(
            f'optim_wrapper.constructor={shown(cfg.get("constructor"))}; allowed: '
            "'GANOptimWrapperConstructor', or another that is registered"
        )
    kind = registry.OPTIM_WRAPPER_CONSTRUCTORS
    registry.check_type(kind, {'type': cfg['constructor']}, 'optim_wrapper.constructor')
    if cfg['constructor'] != GANOptimWrapperConstructor.__name__:
        return
    entries = {name: entry for name, entry in cfg.items() if name != 'constructor'}
    for name in [name for name in NETWORKS if name in entries]:
        _check_wrapper(f'optim_wrapper.{name}', entries[name])
    GANOptimWrapperConstructor(entries)  # complains of other names, and of none


def _check_wrapper(key: str, entry: Mapping) -> None:
    if not isinstance(entry, Mapping) or not isinstance(
        entry.get('optimizer'), Mapping
    ):
        raise ValueError(
            f'{key}={shown(entry)}; allowed: dict(optimizer=dict(type=...), ...)'
        )
    refuse_unfit(f'{key}.optimizer', entry['optimizer'])
    paramwise = entry.get('paramwise_cfg') or {}
    for name in paramwise:
        one_of(f'{key}.paramwise_cfg key', name, PARAMWISE)
    clip = dict(entry.get('clip_grad') or {})
    clips = {'norm': clip_grad_norm_, 'value': clip_grad_value_}
    by = one_of(f'{key}.clip_grad.type', clip.pop('type', 'norm'), clips)
    known, _ = settings_of(clips[by])
    check_settings(known, clip, f'{key}.clip_grad', f'clipping by {by}')
    rest = {name: value for name, value in entry.items() if name != 'paramwise_cfg'}
    _check_component(key, registry.OPTIM_WRAPPERS, {'type': 'OptimWrapper', **rest})


def _check_log_processor(cfg: Mapping) -> None:
    key = 'log_processor'
    if cfg.get('by_epoch', True):
        raise ValueError(f'{key}.by_epoch: there are no epochs here; allowed: False')
    if 'window_size' in cfg:
        whole(f'{key}.window_size', cfg['window_size'], above=0)
    methods = HistoryBuffer([], [])._statistics_methods
    for i, entry in enumerate(cfg.get('custom_cfg') or ()):
        place = f'{key}.custom_cfg[{i}]'
        check_settings(settings_of(_logged)[0], entry, place, 'a logged number')
        for name in ('data_src', 'window_size'):
            if name not in entry:
                raise ValueError(f'{place} needs the setting {name}')
        if entry['window_size'] != 'global':
            whole(f'{place}.window_size', entry['window_size'], above=0)
        one_of(f'{place}.method_name', entry.get('method_name', 'mean'), methods)


def _check_surroundings(config: Mapping) -> None:
    one_of('log_level', config.get('log_level', 'INFO'), logging._nameToLevel)
    if 'total_batch_size' in config:
        whole('total_batch_size', config['total_batch_size'], above=0)
    for key, cfg, function in (
        ('randomness', config.get('randomness'), Runner.set_randomness),
        ('env_cfg', config.get('env_cfg'), _environment),
        (
            'env_cfg.mp_cfg',
            (config.get('env_cfg') or {}).get('mp_cfg'),
            set_multi_processing,
        ),
    ):
        known, _ = settings_of(function)
        known.pop('self', None)
        check_settings(known, cfg or {}, key, key)
    seed = (config.get('randomness') or {}).get('seed')
    if seed is not None:
        in_range('randomness.seed', seed, above=-1, up_to=LARGEST_SEED)
        whole('randomness.seed', seed, above=-1)
