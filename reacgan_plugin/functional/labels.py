"""Class labels: one integer a sample, or an error that says what was found."""

from __future__ import annotations

import torch
from torch import Tensor

INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


def check_label(label: Tensor, rows: int, num_classes: int | None = None) -> None:
    """Make sure that labels are integers of shape (N,), within 0..K-1.

    The range is read on the CPU only: on a GPU that would wait for the device.

    Args:
        label: (N,) of an integer type.
        rows: N, the number of samples that they belong to.
        num_classes: K; None leaves the range unchecked.

    Raises: ValueError for what is no tensor, floats, one-hot rows, shape (N, 1), a
    wrong length, or a class outside 0..K-1.
    """
    if not isinstance(label, Tensor):
        raise ValueError(f'label is a {type(label).__name__}; allowed: a tensor')
    if label.dtype not in INTEGERS:
        raise ValueError(f'label is {label.dtype}; allowed: integers such as int64')
    if label.ndim != 1:
        raise ValueError(
            f'label has shape {tuple(label.shape)}; allowed: ({rows},), '
            f'one class a sample{_repair(label)}'
        )
    if len(label) != rows:
        raise ValueError(f'label has {len(label)} entries for {rows} samples')
    compiling = torch.compiler.is_compiling()  # values would break the graph
    if num_classes is not None and label.device.type == 'cpu' and not compiling:
        _check_range(label, num_classes)


def _repair(label: Tensor) -> str:
    """What probably turns this label into (N,)."""
    if label.ndim != 2:
        return ''
    return ' (use label.squeeze(1))' if label.shape[1] == 1 else ' (use argmax(1))'


def _check_range(label: Tensor, num_classes: int) -> None:
    outside = label[(label < 0) | (label >= num_classes)]
    if len(outside):
        raise ValueError(
            f'label holds class {outside[0].item()}; allowed: 0..{num_classes - 1}, '
            f'as there are {num_classes} classes'
        )


def check_z(z: Tensor, z_dim: int) -> None:
    """ValueError unless z is (N, z_dim)."""
    if z.shape[1:] != (z_dim,):
        raise ValueError(f'z has shape {tuple(z.shape)}; allowed: (N, {z_dim})')


def check_inputs(
    z: Tensor, label: Tensor | None, *, z_dim: int, num_classes: int | None
) -> None:
    """What a generator gets: z (N, z_dim) and, where it has classes, labels (N,).

    Raises: ValueError for z or labels of the wrong shape and for missing labels.
    """
    check_z(z, z_dim)
    if num_classes is not None:
        if label is None:
            raise ValueError('this generator is conditional and needs labels')
        check_label(label, len(z), num_classes)
