"""The reference implementation's numbers, and how far ours are from them."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

FOLDER = Path(__file__).parent / 'golden'
ROUNDING = 1e-6


def names(pattern: str) -> list[str]:
    """Golden files whose name, without ending, matches a shell pattern; but for those
    of StyleGAN2, which have no config inside."""
    stems = sorted(path.stem for path in FOLDER.glob(f'{pattern}.safetensors'))
    return [stem for stem in stems if 'stylegan2' not in stem]


@functools.cache
def load(name: str) -> tuple[dict[str, Tensor], dict]:
    """A golden file's tensors and its metadata with the JSON values decoded.

    Read once and shared: copy what is to be changed.
    """
    with safe_open(FOLDER / f'{name}.safetensors', 'pt') as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}
        metadata = file.metadata() or {}
    return tensors, {key: _decoded(value) for key, value in metadata.items()}


def relative_error(actual: Tensor, expected: Tensor, *, floor: float = ROUNDING):
    """Largest error relative to the largest expected magnitude, in float64.

    Absolute where that magnitude is below ``floor``: what is expected is then 0, give
    or take float32's rounding.
    """
    expected = expected.double()
    error = (actual.detach().double() - expected).abs().max().item()
    largest = expected.abs().max().item()
    return error / largest if largest > floor else error


def _decoded(value: str):
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value
