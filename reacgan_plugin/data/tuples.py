"""Tuples that mmcv's transforms insist on, of the lists that JSON and YAML have."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Number

from reacgan_plugin.registry import TRANSFORMS, registered

# settings of mmcv's in which a list is several choices, and a tuple is one of them
CHOICES = {
    'MultiScaleFlipAug': ('scale_factor',),
    'RandomChoiceResize': ('scales',),
    'RandomFlip': ('prob',),
}


def with_tuples(entry):
    """A pipeline's entry with every list of numbers in a transform of mmcv's as a
    tuple, ``crop_size=[32, 32]`` as ``(32, 32)``, at whatever depth.

    Transforms of others, and lists that mean a choice, stay as they are.
    """
    if isinstance(entry, list):
        inner = [with_tuples(value) for value in entry]
        numbers = bool(inner) and all(isinstance(value, Number) for value in inner)
        return tuple(inner) if numbers else inner
    if not isinstance(entry, Mapping):
        return entry
    kept: tuple[str, ...] = ()
    if 'type' in entry:
        kind = registered(TRANSFORMS, entry)
        if getattr(kind, '__module__', '').partition('.')[0] != 'mmcv':
            return entry
        kept = CHOICES.get(getattr(kind, '__name__', ''), ())
    return {
        key: list(map(with_tuples, value))
        if key in kept and isinstance(value, list)
        else with_tuples(value)
        for key, value in entry.items()
    }
