"""Configs that are data: of checkpoints, ``.json`` and ``.yaml`` files. No line of them
is executed, and without being trusted they import nothing either."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import yaml
from mmengine.config import Config, ConfigDict
from mmengine.utils import import_modules_from_strings

from reacgan_plugin import registry
from reacgan_plugin.checkpoint import about, read_checkpoint
from reacgan_plugin.options import did_you_mean, some
from reacgan_plugin.untrusted import distrust, trust, without_scope

SUFFIXES = ('.json', '.yaml', '.yml')
OURS = 'reacgan_plugin::'  # how configs of this package are named
# settings that a checkpoint's config has of the run that wrote it
OF_ONE_RUN = ('resume', 'load_from', 'launcher', 'work_dir', 'experiment_name')
IMPORTING = {'ModuleDiscriminator'}  # components that import what a setting names
# keys whose words mmengine imports where no registry has them; in components, also
# those that end in '_type', as EMAHook.ema_type, but for some that choose among words
NAMING = ('type', 'constructor')
CHOOSING = ('cast_model_type', 'color_type', 'optimizer_type')
# of what other packages open, or import from: files that can hold programs
OPENED = ('checkpoint_path', 'pretrained_cfg', 'pretrained_cfg_overlay', 'sys_path')
COMPILER = 'compile.options'  # its words are, among others, programs to start
SCOPED = ('default_scope', '_scope_')


def checkpoint_config(path: str, *, trust_imports: bool = False) -> Config:
    """The config kept in a checkpoint; it is data, no line of it is executed.

    Raises: ValueError when it would import modules, or names components that no
    registry has or that import what they are told, without being trusted; and when
    the checkpoint has no config.
    """
    entries = _entries_inside(path)
    for name in OF_ONE_RUN:
        entries.pop(name, None)
    return trusted(entries, path, trust_imports=trust_imports)


def _entries_inside(path: str) -> dict:
    try:
        entries = json.loads(about(read_checkpoint(path))['config'])
    except (KeyError, TypeError, json.JSONDecodeError):
        entries = None
    if not isinstance(entries, dict) or not isinstance(entries.get('model'), dict):
        raise ValueError(f'checkpoint {path} has no config of a model inside')
    return entries


def file_config(
    path: str | Path, ours: Callable[[str], dict], *, trust_imports: bool = False
) -> Config:
    """The config in a ``.json`` or ``.yaml`` file.

    ``_base_`` names other such files, beside it or by their whole path, or configs of
    this package, ``reacgan_plugin::biggan_reacgan_digits.py``; no other Python.
    Variables as ``{{ fileDirname }}`` and ``{{ $HOME: }}`` stay as they are written.

    Args:
        path: of the file.
        ours: a config of this package by its name, as a dict.
        trust_imports: follow ``custom_imports``, and names that no registry has.

    Raises: ValueError for a file that cannot be read, holds no dict, or has another
    kind of base; and as :func:`checkpoint_config` for what it would import.
    """
    entries = _with_bases(Path(path), ours, ())
    return trusted(entries, path, trust_imports=trust_imports, filename=str(path))


def trusted(
    entries: dict, source, *, trust_imports: bool, filename: str | None = None
) -> Config:
    """A config of data; ValueError where it would import what is not trusted."""
    imports = entries.pop('custom_imports', None)
    if imports and not trust_imports:
        raise ValueError(
            f'the config in {source} imports {imports}; if you trust these modules, '
            'add --trust-imports'
        )
    known = {name for kind in registry.ALL for name in registry.known_names(kind)}
    foreign = list(_foreign(entries, known - IMPORTING))
    if foreign and not trust_imports:
        named = some(f'{place}={name!r}' for place, name in foreign)
        unknown = [
            name
            for place, name in foreign
            if name not in IMPORTING
            and _is_naming(place.rpartition('.')[2], component=True)
        ]
        hint = did_you_mean(unknown[0], known) if unknown else ''
        raise ValueError(
            f'the config in {source} names {named}, which no registry has or '
            f'which imports what it is told{hint}; if you trust the config and have '
            'them, add --trust-imports'
        )
    (trust if trust_imports else distrust)(entries)
    config = Config(entries, filename=filename)
    if imports:
        config.custom_imports = ConfigDict(imports)
        import_modules_from_strings(**imports)
    return config


def _with_bases(path: Path, ours: Callable[[str], dict], chain: tuple) -> dict:
    if path.resolve() in chain:
        raise ValueError(f'config {path} is, by its _base_, a base of itself')
    entries = _read(path)
    bases = entries.pop('_base_', [])
    merged: dict = {}
    for base in [bases] if isinstance(bases, str) else bases:
        if str(base).startswith(OURS):
            found = ours(str(base))
        elif Path(str(base)).suffix in SUFFIXES:
            found = _with_bases(path.parent / base, ours, (*chain, path.resolve()))
        else:
            raise ValueError(
                f'config {path}: _base_={base!r} would be executed; allowed in a '
                f'config that is data: {", ".join(SUFFIXES)} files and configs of '
                f"this package, '{OURS}NAME.py'"
            )
        twice = merged.keys() & found.keys()
        if twice:
            raise ValueError(f'config {path}: several of its _base_ have {some(twice)}')
        merged.update(found)
    try:
        return Config._merge_a_into_b(entries, merged)
    except (TypeError, KeyError, AssertionError) as error:
        raise ValueError(f'config {path}: {" ".join(str(error).split())}') from error


def _read(path: Path) -> dict:
    try:
        text = path.read_text(encoding='utf-8')
        entries = json.loads(text) if path.suffix == '.json' else yaml.safe_load(text)
    except OSError as error:
        raise ValueError(f'config {path} cannot be read: {error.strerror}') from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        words = ' '.join(str(error).split())
        raise ValueError(
            f'config {path} is no {path.suffix[1:]} file: {words}'
        ) from error
    if not isinstance(entries, Mapping) or not all(isinstance(k, str) for k in entries):
        raise ValueError(f'config {path} holds no dict of settings by name')
    return dict(entries)


def _foreign(entry, known: set[str], place: str = '') -> Iterator[tuple[str, str]]:
    """Places and words that mmengine would import: names of types that no registry
    has, which it takes for dotted ones and calls, and scopes of other packages; so
    that a config from elsewhere could run what it likes."""
    named = isinstance(entry, Mapping) and 'type' in entry
    items = entry.items() if isinstance(entry, Mapping) else enumerate(entry)
    for key, value in items:
        here = f'{place}.{key}'.removeprefix('.')
        if isinstance(value, str) and _is_naming(key, component=named):
            if without_scope(value) not in known:
                yield here, value
        elif key in SCOPED and value not in (None, registry.SCOPE, 'mmengine'):
            yield here, str(value)
        elif key in OPENED and value is not None:
            yield here, str(value)
        elif place.endswith(COMPILER) and not isinstance(value, int | float | None):
            yield here, str(value)
        elif isinstance(value, Mapping | list | tuple):
            yield from _foreign(value, known, here)


def _is_naming(key: str | int, *, component: bool) -> bool:
    if key in NAMING:
        return True
    return component and str(key).endswith('_type') and key not in CHOOSING
