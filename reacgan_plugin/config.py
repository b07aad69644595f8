"""Configs: found, overridden in one word, checked before anything is built, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.utils import import_modules_from_strings

from reacgan_plugin import registry
from reacgan_plugin.checkpoint import read_checkpoint
from reacgan_plugin.conditioning.names import CONDITIONINGS
from reacgan_plugin.options import did_you_mean, some

PACKAGE = Path(__file__).parent
# settings that a checkpoint's config has of the run that wrote it
OF_ONE_RUN = ('resume', 'load_from', 'launcher', 'work_dir', 'experiment_name')
IMPORTING = {'ModuleDiscriminator'}  # components that import what a setting names


def configs_folder() -> Path:
    """Our configs: inside an installed wheel, or beside the package in a checkout."""
    installed = PACKAGE / '.mim' / 'configs'
    return installed if installed.is_dir() else PACKAGE.parent / 'configs'


def load_config(
    name: str, overrides: Mapping | None = None, *, trust_imports: bool = False
) -> tuple[Config, list[str]]:
    """A config and remarks on what the overrides replaced.

    Args:
        name: path of a config; the name of one of ours, ``biggan_reacgan_digits.py``
            or ``reacgan_plugin::biggan_reacgan_digits.py``; or a checkpoint, whose own
            config is used.
        overrides: dotted keys to values. A key that ends in ``.type`` and changes it
            replaces the whole dict, since its siblings belong to the other type.
        trust_imports: follow ``custom_imports`` of a checkpoint's config.

    Raises: ValueError when there is no such config.
    """
    if str(name).endswith('.pth'):
        config = checkpoint_config(name, trust_imports=trust_imports)
    else:
        with _own_names_in_base():
            config = Config.fromfile(_find(str(name)))
    overrides = dict(overrides or {})
    remarks = _override(config, overrides)
    if any(key.startswith('custom_imports') for key in overrides):
        import_modules_from_strings(**config.custom_imports)
    return config, remarks


def checkpoint_config(path: str, *, trust_imports: bool = False) -> Config:
    """The config kept in a checkpoint; it is data, no line of it is executed.

    Raises: ValueError when it would import modules, or names components that no
    registry has or that import what they are told, without being trusted; and when
    the checkpoint has no config.
    """
    text = read_checkpoint(path).get('meta', {}).get('config')
    if text is None:
        raise ValueError(f'checkpoint {path} has no config inside')
    entries = json.loads(text)
    for name in OF_ONE_RUN:
        entries.pop(name, None)
    imports = entries.pop('custom_imports', None)
    if imports and not trust_imports:
        raise ValueError(
            f'the config in {path} imports {imports}; if you trust these modules, '
            'add --trust-imports'
        )
    known = {name for kind in registry.ALL for name in registry.known_names(kind)}
    foreign = sorted(set(_foreign_types(entries, known - IMPORTING)))
    if foreign and not trust_imports:
        raise ValueError(
            f'the config in {path} names {some(foreign)}, which no registry has or '
            'which imports what it is told; if you trust the checkpoint and have '
            'them, add --trust-imports'
        )
    config = Config(entries)
    if imports:
        config.custom_imports = ConfigDict(imports)
        import_modules_from_strings(**imports)
    return config


def config_json(config: Config) -> str:
    """A config as JSON, classes by their names.

    Raises: ValueError for a value that JSON cannot hold.
    """
    return json.dumps(config.to_dict(), default=_by_name)


def check_types(config: Mapping) -> None:
    """Every component that a training run will build must exist and take its settings.

    Raises: ValueError naming the key, what was found, and the nearest that is allowed.
    """
    _check(_slots(config))


def check_loss(loss, adversarial_loss=None) -> None:
    """As :func:`check_types`, of these two entries of a model alone."""
    _check(_nested('model.loss', loss, 'method'))
    _check([('model.adversarial_loss', registry.MODELS, adversarial_loss, ())])


def _check(slots: Iterable[tuple]) -> None:
    for key, kind, entry, given in slots:
        if isinstance(entry, Mapping):
            allowed = CONDITIONINGS if key.startswith('model.loss') else ()
            registry.check_type(kind, entry, key, allowed)
            registry.check_keywords(kind, entry, key, given)


def _slots(config: Mapping) -> Iterator[tuple]:
    """(key, registry, config, names the builder adds) of every component."""
    model = config.get('model', {})
    yield 'model', registry.MODELS, model, ()
    for name in ('discriminator', 'adversarial_loss'):
        yield f'model.{name}', registry.MODELS, model.get(name), ()
    # both may go around another one, and that around a third
    yield from _nested('model.loss', model.get('loss'), 'method')
    yield from _nested(
        'model.generator', model.get('generator'), 'generator', ('num_classes',)
    )
    yield from _listed('model.techniques', registry.MODELS, model.get('techniques'))
    yield from _dataset_slots(
        'train_dataloader.dataset', config.get('train_dataloader', {}).get('dataset')
    )
    yield from _listed('custom_hooks', registry.HOOKS, config.get('custom_hooks'))
    for name, hook in config.get('default_hooks', {}).items():
        yield f'default_hooks.{name}', registry.HOOKS, hook, ()
    loop = {'type': 'GANTrainLoop', **config.get('train_cfg', {})}
    yield 'train_cfg', registry.LOOPS, loop, ('runner', 'dataloader')
    for name in ('generator', 'discriminator'):
        wrapper = config.get('optim_wrapper', {}).get(name, {})
        key = f'optim_wrapper.{name}.optimizer'
        yield key, registry.OPTIMIZERS, wrapper.get('optimizer'), ('params',)
    visualizer = config.get('visualizer') or {}
    yield from _listed(
        'visualizer.vis_backends', registry.VISBACKENDS, visualizer.get('vis_backends')
    )
    for i, hook in enumerate(config.get('custom_hooks') or ()):
        for name in ('train', 'held_out'):  # of a report
            yield from _dataset_slots(f'custom_hooks[{i}].{name}', hook.get(name))


def _nested(key: str, entry, inner: str, given=()) -> Iterator[tuple]:
    yield key, registry.MODELS, entry, given
    if isinstance(entry, Mapping) and inner in entry:
        yield from _nested(f'{key}.{inner}', entry[inner], inner, given)


def _dataset_slots(key: str, dataset) -> Iterator[tuple]:
    yield key, registry.DATASETS, dataset, ()
    if isinstance(dataset, Mapping):
        pipeline = dataset.get('pipeline')
        yield from _listed(f'{key}.pipeline', registry.TRANSFORMS, pipeline)
        if 'dataset' in dataset:  # of a selection
            yield from _dataset_slots(f'{key}.dataset', dataset['dataset'])
            yield f'{key}.features', registry.MODELS, dataset.get('features'), ()


def _listed(key: str, kind, entries) -> Iterator[tuple]:
    given = ('save_dir',) if kind is registry.VISBACKENDS else ()
    for i, entry in enumerate(entries or ()):
        yield f'{key}[{i}]', kind, entry, given


def _find(name: str) -> str:
    if Path(name).is_file():
        return name
    folder = configs_folder()
    own = folder / name.removeprefix('reacgan_plugin::').removeprefix('configs/')
    if own.is_file():
        return str(own)
    names = sorted(path.name for path in folder.glob('*.py'))
    raise ValueError(
        f'there is no config {name}{did_you_mean(Path(name).name, names)}; '
        f'ours are: {", ".join(names)}'
    )


@contextmanager
def _own_names_in_base() -> Iterator[None]:
    """Let ``_base_ = 'reacgan_plugin::...'`` find our configs; mmengine knows the
    packages of OpenMMLab only."""
    original = Config._get_cfg_path

    def resolve(cfg_path: str, filename: str):
        if cfg_path.startswith('reacgan_plugin::'):
            return _find(cfg_path), None
        return original(cfg_path, filename)

    Config._get_cfg_path = staticmethod(resolve)
    try:
        yield
    finally:
        Config._get_cfg_path = staticmethod(original)


def _override(config: Config, overrides: dict) -> list[str]:
    remarks = []
    for key in [k for k in overrides if k.endswith('.type')]:
        remarks += _replace_type(config, key.removesuffix('.type'), overrides[key])
    config.merge_from_dict(overrides)
    return remarks


def _replace_type(config: Config, key: str, kind) -> list[str]:
    """Make ``config[key]`` a dict of the new type alone; says what it dropped."""
    parent, _, last = key.rpartition('.')
    try:
        holder = config
        for part in parent.split('.') if parent else ():
            holder = holder[int(part)] if isinstance(holder, list) else holder[part]
        current = holder[int(last)] if isinstance(holder, list) else holder[last]
    except (KeyError, IndexError, ValueError):
        return []  # a new entry: nothing to drop
    if not isinstance(current, dict) or current.get('type') == kind:
        return []
    dropped = sorted(set(current) - {'type'})
    holder[int(last) if isinstance(holder, list) else last] = ConfigDict(type=kind)
    if not dropped:
        return []
    return [
        f'{key} is now of type {kind!r}; settings of {current.get("type")!r} dropped: '
        f'{", ".join(dropped)}'
    ]


def _by_name(value):
    """A class or function by its registered name, else by its dotted one."""
    for kind in registry.ALL:
        for name, found in kind.module_dict.items():
            if found is value:
                return name
    if not hasattr(value, '__qualname__'):
        raise ValueError(f'the config has {value!r}, which no checkpoint can keep')
    return f'{value.__module__}.{value.__qualname__}'


def _foreign_types(entry, known: set[str]) -> Iterator[str]:
    """Values of ``type`` that no registry knows: mmengine would import and call any
    dotted name, so that a config from elsewhere could run what it likes."""
    children = entry.values() if isinstance(entry, dict) else entry
    if isinstance(entry, dict) and isinstance(entry.get('type'), str):
        if entry['type'].removeprefix(f'{registry.SCOPE}.') not in known:
            yield entry['type']
    if isinstance(entry, dict | list):
        for child in children:
            yield from _foreign_types(child, known)
