"""Read data from a pickle that somebody else wrote, without running what it asks for.

A pickle is a program. This reader lets it make plain containers, numbers, strings and
numpy arrays, and refuses every other name it tries to look up.
"""

from __future__ import annotations

import io
import pickle

import numpy as np


def load_plain_pickle(content: bytes, name: str):
    """The object in a pickle of containers, numbers, strings and numpy arrays.

    Strings of Python 2 are decoded as latin-1, which numpy's arrays of that time need.
    Raises: ValueError naming the file, for anything else and for damaged content.
    """
    try:
        return _PlainUnpickler(io.BytesIO(content), encoding='latin1').load()
    except Exception as error:  # damaged pickles raise nearly anything
        raise ValueError(f'{name}: refused or damaged pickle: {error}') from error


def _encode(text: str, encoding: str) -> bytes:
    """How protocol 2 writes bytes; other codecs are none of a pickle's business."""
    if encoding not in ('latin1', 'latin-1'):
        raise pickle.UnpicklingError(f'codec {encoding!r} is not allowed')
    return text.encode('latin-1')


# An array says itself which function rebuilds it, so no private path of numpy's, which
# moved in version 2, is imported here.
_rebuild_array = np.empty(0).__reduce__()[0]

ALLOWED = {
    ('numpy.core.multiarray', '_reconstruct'): _rebuild_array,
    ('numpy._core.multiarray', '_reconstruct'): _rebuild_array,
    ('numpy', 'ndarray'): np.ndarray,
    ('numpy', 'dtype'): np.dtype,
    ('_codecs', 'encode'): _encode,
}


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str):
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f'{module}.{name} is not allowed')
        return ALLOWED[module, name]
