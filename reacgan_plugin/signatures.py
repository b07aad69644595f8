"""What a class takes, read off its signature, and whether a value is of the kind that
an annotation says."""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter
from numbers import Integral, Number, Real

from mmengine.hooks import CheckpointHook
from torch import Tensor, nn

LARGEST = 2**63 - 1  # that tensors and image libraries take
LONGEST = 100  # of a value in a message
# whose **keywords are those of the base class; others' may be for anything
HANDING_ON = ('reacgan_plugin', 'mmengine', 'mmcv')
# its other keywords go to save_checkpoint, which would refuse them hours later
NOT_OPEN = (CheckpointHook,)
# whose annotations hold: mmcv's name wrong kinds, and users' own need not be exact
ANNOTATED = ('reacgan_plugin', 'mmengine', 'torch')
ANYTHING = (typing.Any, inspect.Parameter.empty, object)
PLAIN = ('builtins', 'collections.abc', 'typing')  # where kinds of data come from
WORDS = {
    bool: 'True or False',
    int: 'a whole number',
    float: 'a number',
    str: 'a word',
    type(None): 'None',
    dict: 'a dict',
}


def settings_of(kind: Callable) -> tuple[dict[str, Parameter], bool]:
    """Parameters by name, annotations resolved; and whether other keywords go, too.

    Keywords that a class of ours or of OpenMMLab hands on to its base class are those
    of the base class. One of somebody else's may take any, those of its base among
    them.
    """
    if not inspect.isclass(kind):
        return _named(_parameters(kind)), _takes_any(_parameters(kind))
    found: dict[str, Parameter] = {}
    takes_any = handed_on = False
    for owner in kind.__mro__:
        if '__init__' not in vars(owner):
            continue
        if owner in (nn.Module, object):  # they take none, whatever they declare
            return found, handed_on and kind not in NOT_OPEN
        own = _parameters(owner.__init__)
        own.pop(next(iter(own), None), None)  # self
        named = _named(own)
        if takes_any:  # it may give them itself, or mean something else by them
            named = {name: _optional(name) for name in named}
        found = {**named, **found}
        handed_on = _takes_any(own)
        if not handed_on:
            break
        takes_any |= not is_of(owner, HANDING_ON)
    return found, takes_any


def is_of(kind, packages: tuple[str, ...]) -> bool:
    """Whether a class or function comes from one of some packages."""
    return str(getattr(kind, '__module__', '')).partition('.')[0] in packages


def misfit(value, parameter: Parameter) -> str:
    """What a parameter allows, in words, where the value is no such thing; else ''."""
    annotation, default = parameter.annotation, parameter.default
    if isinstance(value, int) and abs(value) > LARGEST:
        return 'a number of 64 bits'
    if _fits(value, annotation):
        return ''
    if value is None and default is None:  # not every annotation mentions it
        return ''
    allowed = _described(annotation)
    return allowed if default is not None else _joined([allowed, 'None'])


def shown(value) -> str:
    """A value for a message, cut where it is long."""
    text = repr(value.to_dict() if hasattr(value, 'to_dict') else value)
    return text if len(text) <= LONGEST else f'{text[:LONGEST]}...'


def _parameters(function: Callable) -> dict[str, Parameter]:
    found = inspect.signature(function).parameters
    if not is_of(function, ANNOTATED):
        return {n: p.replace(annotation=Parameter.empty) for n, p in found.items()}
    names = vars(sys.modules.get(getattr(function, '__module__', ''), typing))
    return {
        name: parameter.replace(annotation=_resolved(parameter.annotation, names))
        for name, parameter in found.items()
    }


def _resolved(annotation, names: Mapping):
    """An annotation that may be text; one that cannot be read says nothing."""
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, dict(names))  # text of a source file, not of a config
    except Exception:  # a name that only type checkers import
        return typing.Any


def _optional(name: str) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None)


def _named(parameters: dict[str, Parameter]) -> dict[str, Parameter]:
    several = (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
    return {name: p for name, p in parameters.items() if p.kind not in several}


def _takes_any(parameters: dict[str, Parameter]) -> bool:
    return any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())


def _fits(value, annotation) -> bool:
    if annotation in ANYTHING or isinstance(annotation, str | typing.TypeVar):
        return True
    if annotation is None:
        return value is None
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, option) for option in inner)
    if origin is typing.Literal:
        return value in inner
    if origin is typing.Annotated:
        return _fits(value, inner[0])
    return _is_a(value, origin or annotation) and _fits_inside(value, origin, inner)


def _is_a(value, kind) -> bool:
    """isinstance, as configs mean it: True is no number, a word no list, and a list,
    which is all that JSON has, also a tuple."""
    if not inspect.isclass(kind):
        return True
    if kind is Callable:
        return callable(value)
    if isinstance(value, bool):
        return kind is bool
    if kind in (float, int):
        return isinstance(value, Real if kind is float else Integral)
    if issubclass(kind, list | tuple):
        return isinstance(value, list | tuple)
    if issubclass(kind, dict):
        return isinstance(value, Mapping)
    if kind is not str and isinstance(value, str) and issubclass(kind, Iterable):
        return False
    if isinstance(value, str) and hasattr(kind, '__fspath__'):
        return True
    if isinstance(value, Mapping) and _is_built(kind):
        return True
    return isinstance(value, kind)


def _is_built(kind: type) -> bool:
    """Whether instances come of configs, as modules, data sets and optimizers do."""
    plain = kind.__module__ in PLAIN or hasattr(kind, '__fspath__')
    return not plain and not issubclass(kind, Tensor | Number)


def _fits_inside(value, origin, inner: tuple) -> bool:
    if not inner or not inspect.isclass(origin) or not issubclass(origin, Iterable):
        return True
    if issubclass(origin, Mapping):
        return all(_fits(entry, inner[-1]) for entry in value.values())
    if origin is tuple and Ellipsis not in inner:
        if len(value) != len(inner):
            return False
        return all(_fits(*pair) for pair in zip(value, inner, strict=True))
    if isinstance(value, str | Tensor):
        return True
    return all(_fits(entry, inner[0]) for entry in value)


def _described(annotation) -> str:
    if annotation is None:
        return 'None'
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return _joined([_described(option) for option in inner])
    if origin is typing.Literal:
        return _joined([repr(option) for option in inner])
    kind = origin or annotation
    if kind in WORDS:
        return WORDS[kind]
    if not inspect.isclass(kind):
        return str(kind)
    if hasattr(kind, '__fspath__'):
        return 'a path'
    if issubclass(kind, Tensor):
        return 'a tensor'
    if issubclass(kind, Mapping) or _is_built(kind):
        return 'a dict'
    if kind is Callable:
        return 'a function'
    if issubclass(kind, Iterable):
        return _list_of(kind, inner)
    return 'a number' if issubclass(kind, Number) else f'a {kind.__name__}'


def _list_of(kind: type, inner: tuple) -> str:
    """'a list of numbers', '(a number, a number)'."""
    if kind is tuple and inner and Ellipsis not in inner:
        return f'({", ".join(_described(entry) for entry in inner)})'
    words = _described(inner[0]) if inner and inner[0] not in ANYTHING else ''
    plain = words.startswith('a ') and ' or ' not in words
    return f'a list of {words[2:]}s' if plain else 'a list'


def _joined(options: list[str]) -> str:
    """'a', 'a or b', 'a, b or c'."""
    *first, last = dict.fromkeys(
        part for option in options for part in option.split(' or ')
    )
    return f'{", ".join(first)} or {last}' if first else last
