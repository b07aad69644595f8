"""NumPy's numbers in files of PyTorch-StudioGAN, scores and probabilities among them.

Pickle writes such a number as a call of a function of NumPy with the number's kind and
bytes, which a reader that executes nothing refuses. Here both names stand for code of
our own, which makes a plain number of the bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from torch import serialization

FORMATS = {'f4': 'f', 'f8': 'd', 'i4': 'i', 'i8': 'q'}
MODULES = ('numpy.core.multiarray', 'numpy._core.multiarray')  # before and from 2.0


class Kind:
    """What NumPy says of a number: its code, 'f8', and the order of its bytes."""

    def __init__(self, code: str, *rest):
        self.format, self.order = FORMATS[code], '<'

    def __setstate__(self, state: tuple) -> None:
        self.order = '>' if state[1] == '>' else '<'


def number(kind: Kind, data: bytes) -> float | int:
    """The number of some bytes."""
    return struct.unpack(kind.order + kind.format, data)[0]


def _known_as(module: str, name: str, code):
    code.__module__, code.__name__, code.__qualname__ = module, name, name
    return code


def _number_known_in(module: str):
    return _known_as(module, 'scalar', lambda kind, data: number(kind, data))


STAND_INS = [
    _known_as('numpy', 'dtype', Kind),
    *(_number_known_in(module) for module in MODULES),
]


@contextmanager
def numpy_numbers_read() -> Iterator[None]:
    """Within it files may hold numbers of NumPy, which become plain ones."""
    allowed = serialization.get_safe_globals()
    serialization.add_safe_globals(STAND_INS)
    try:
        yield
    finally:
        serialization.clear_safe_globals()
        serialization.add_safe_globals(allowed)
