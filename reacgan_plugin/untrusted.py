"""Words of configs that nobody vouches for: by them mmengine imports nothing.

Its registries take a name that they do not have for an import path, ``torch.hub.load``
as well as ``file``, and any component may hand any setting on to a registry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mmengine.registry import Registry

from reacgan_plugin import registry as ours

# how configs may say where a name is; mmcv registers into mmengine's registries
SCOPES = (ours.SCOPE, 'mmengine', 'mmcv')

_words: set[str] = set()
_get = Registry.get


def distrust(entries) -> None:
    """From now on, no registry imports what a config's words name."""
    _words.update(_words_of(entries))
    Registry.get = _get_without_imports


def trust(entries) -> None:
    """Take back what was said of the same words."""
    _words.difference_update(_words_of(entries))


def without_scope(word: str) -> str:
    """A registered name as it is in its registry."""
    scope, dot, name = word.partition('.')
    return name if dot and scope in SCOPES else word


def _get_without_imports(registry: Registry, key: str):
    if key in _words and without_scope(key) not in ours.known_names(registry):
        return None
    return _get(registry, key)


def _words_of(entry) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, Mapping):
        for pair in entry.items():
            yield from _words_of(pair)
    elif isinstance(entry, list | tuple):
        for inner in entry:
            yield from _words_of(inner)
