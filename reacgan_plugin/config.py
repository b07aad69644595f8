"""Configs: found, overridden in one word, checked before anything is built, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.utils import import_modules_from_strings

from reacgan_plugin import registry
from reacgan_plugin.checkpoint import read_checkpoint
from reacgan_plugin.options import did_you_mean

PACKAGE = Path(__file__).parent


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

    Raises: ValueError when it would import the user's modules without being trusted.
    """
    text = read_checkpoint(path).get('meta', {}).get('config')
    if text is None:
        raise ValueError(f'checkpoint {path} has no config inside')
    entries = json.loads(text)
    imports = entries.pop('custom_imports', None)
    if imports and not trust_imports:
        raise ValueError(
            f'the config in {path} imports {imports}; if you trust these modules, '
            'add --trust-imports'
        )
    config = Config(entries)
    if imports:
        config.custom_imports = ConfigDict(imports)
        import_modules_from_strings(**imports)
    return config


def config_json(config: Config) -> str:
    """A config as JSON, classes by their dotted names."""
    return json.dumps(config.to_dict(), default=_by_name)


def check_types(config: Mapping) -> None:
    """Every ``type`` that a training run will build must be registered.

    Raises: ValueError naming the key and the nearest registered name.
    """
    model = config.get('model', {})
    slots = [('model', registry.MODELS, model)]
    for key in ('generator', 'discriminator', 'loss', 'adversarial_loss'):
        slots.append((f'model.{key}', registry.MODELS, model.get(key)))
    slots += _listed('model.techniques', registry.MODELS, model.get('techniques'))
    dataset = config.get('train_dataloader', {}).get('dataset')
    key = 'train_dataloader.dataset'
    slots.append((key, registry.DATASETS, dataset))
    if isinstance(dataset, Mapping):
        slots += _listed(
            f'{key}.pipeline', registry.TRANSFORMS, dataset.get('pipeline')
        )
    slots += _listed('custom_hooks', registry.HOOKS, config.get('custom_hooks'))
    for key, kind, entry in slots:
        if isinstance(entry, Mapping):
            registry.check_type(kind, entry, key)


def _listed(key: str, kind, entries) -> list[tuple]:
    return [(f'{key}[{i}]', kind, entry) for i, entry in enumerate(entries or ())]


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
    if isinstance(value, type) or callable(value):
        return f'{value.__module__}.{value.__qualname__}'
    raise TypeError(f'{value!r} in a config cannot be kept in a checkpoint')
