"""Configs: found, overridden in one word, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.config.lazy import LazyAttr, LazyObject
from mmengine.registry import Registry
from mmengine.utils import import_modules_from_strings

from reacgan_plugin import registry
from reacgan_plugin.config_checks import REFUSED_LATER, top_level_settings
from reacgan_plugin.data_configs import OURS, SUFFIXES, checkpoint_config, file_config
from reacgan_plugin.options import did_you_mean
from reacgan_plugin.signatures import shown
from reacgan_plugin.untrusted import trust

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
        name: path of a config, ``.py``, which is executed, or ``.json`` or ``.yaml``,
            which is data; the name of one of ours, ``biggan_reacgan_digits.py`` or
            ``reacgan_plugin::biggan_reacgan_digits.py``; or a checkpoint, whose own
            config is used.
        overrides: dotted keys to values. A key that ends in ``.type`` and changes it
            replaces the whole dict, since its siblings belong to the other type.
        trust_imports: follow ``custom_imports`` of a config that is data.

    Raises: ValueError when there is no such config, it cannot be read, or has no place
    for an override.
    """
    if str(name).endswith('.pth'):
        config = checkpoint_config(name, trust_imports=trust_imports)
    elif Path(name).suffix in SUFFIXES:
        config = file_config(name, _ours, trust_imports=trust_imports)
    else:
        config = _executed(_find(str(name)))
        trust(config._cfg_dict)  # also words that another config has, as data
    overrides = dict(overrides or {})
    remarks = _override(config, overrides)
    if any(key.startswith('custom_imports') for key in overrides):
        import_modules_from_strings(**config.custom_imports)
    return config, remarks


def config_json(config: Config) -> str:
    """A config as JSON, classes by their names.

    Raises: ValueError for a value that JSON cannot hold.
    """
    # of its own dict the keys alone: there, classes that the file imported are words
    return json.dumps(_as_data({key: config[key] for key in config.to_dict()}))


def _executed(path: str) -> Config:
    """A Python config. Raises: ValueError for bases that cannot be merged."""
    try:
        with _own_names_in_base():
            return Config.fromfile(path)
    except (TypeError, KeyError, FileNotFoundError) as error:
        raise ValueError(f'config {path}: {" ".join(str(error).split())}') from error


def _ours(name: str) -> dict:
    """One of our configs by its name, for a config that may name no other Python."""
    path = configs_folder() / name.removeprefix(OURS)
    inside = path.resolve().is_relative_to(configs_folder().resolve())
    if not inside or not path.is_file():
        raise ValueError(_no_config(name))
    return _executed(str(path)).to_dict()


def _find(name: str) -> str:
    if Path(name).is_file():
        return name
    own = configs_folder() / name.removeprefix(OURS).removeprefix('configs/')
    if own.is_file():
        return str(own)
    raise ValueError(_no_config(name))


def _no_config(name: str) -> str:
    names = sorted(path.name for path in configs_folder().glob('*.py'))
    hint = did_you_mean(Path(name.removeprefix(OURS)).name, names)
    return f'there is no config {name}{hint}; ours are: {", ".join(names)}'


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
    for key in overrides:
        _check_place(config, key)
    remarks = []
    for key in [k for k in overrides if k.endswith('.type')]:
        remarks += _replace_type(config, key.removesuffix('.type'), overrides[key])
    try:
        config.merge_from_dict(overrides)
    except (TypeError, KeyError, IndexError, AssertionError) as error:
        raise ValueError(
            f'{", ".join(overrides)}: {" ".join(str(error).split())}'
        ) from error
    return remarks


def _check_place(config: Config, key: str) -> None:
    """ValueError where a config has no place for a dotted key; what its components
    take is checked with the whole config."""
    first, *rest = key.split('.')
    ours = config.get('default_scope', registry.SCOPE) == registry.SCOPE
    known = {**config, **top_level_settings()}
    if ours and first not in known and first not in REFUSED_LATER:
        raise ValueError(f'{first} is no key of a config{did_you_mean(first, known)}')
    holder, place = config.get(first), first
    for part in rest:
        if isinstance(holder, list | tuple):
            if not part.isdigit() or int(part) >= len(holder):
                raise ValueError(
                    f'{key}: {place} is a list of {len(holder)}; allowed: '
                    f'{f"{place}.0 to {place}.{len(holder) - 1}" if holder else "none"}'
                )
            holder = holder[int(part)]
        elif isinstance(holder, Mapping):
            holder = holder.get(part)
        elif holder is None:
            return  # to be made
        else:
            raise ValueError(
                f'{key}: {place}={shown(holder)} has no settings of its own'
            )
        place = f'{place}.{part}'


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


def _as_data(value, place: str = ''):
    """What JSON holds of a config's value."""
    if isinstance(value, LazyObject | LazyAttr):
        value = value.build()
    if isinstance(value, Mapping):
        return {
            key: _as_data(entry, f'{place}.{key}'.removeprefix('.'))
            for key, entry in value.items()
        }
    if isinstance(value, list | tuple):
        return [_as_data(entry, f'{place}.{i}') for i, entry in enumerate(value)]
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, np.integer | np.floating | np.bool_):
        return value.item()
    if hasattr(value, '__qualname__'):
        return _name_of(value)
    raise ValueError(
        f'the config has {place}={shown(value)}, which no checkpoint can keep; '
        'allowed: words, numbers, lists, dicts, paths, classes and functions'
    )


def _name_of(value) -> str:
    """A class or function by its registered name, else by its dotted one."""
    for kind in registry.ALL:
        current: Registry | None = kind
        while current is not None:
            for name, found in current.module_dict.items():
                if found is value:
                    is_first = kind.get(name) is value
                    return name if is_first else f'{current.scope}.{name}'
            current = current.parent
    return f'{value.__module__}.{value.__qualname__}'
