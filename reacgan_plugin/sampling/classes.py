"""Classes as users name them, and as files are named after them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from reacgan_plugin.options import did_you_mean

LONGEST = 80  # characters of a class's name in a file's


def class_indices(
    wanted: Sequence[str] | None, names: Sequence[str], count: int
) -> list[int]:
    """Numbers of the classes that a user asked for by number or by name.

    Raises: ValueError for a class that does not exist, with the nearest name.
    """
    if wanted is None:
        return list(range(count))
    names = list(names)
    indices = []
    for name in wanted:
        if name in names:
            indices.append(names.index(name))
        elif name.isdigit() and int(name) < count:
            indices.append(int(name))
        else:
            raise ValueError(
                f'class {name!r} does not exist; allowed: 0..{count - 1} or a name of '
                f'the data set{did_you_mean(name, names)}'
            )
    return indices


def class_folder(index: int, names: Sequence[str], count: int) -> str:
    """Name of a class's folder, ``007_cat``: sorted, they are in the order of labels.

    Names come out of a checkpoint, so only letters, digits, dots and dashes stay.
    """
    number = f'{index:0{len(str(count - 1))}}'
    name = names[index] if index < len(names) else ''
    safe = re.sub(r'[^\w.-]+', '_', name)[:LONGEST].strip('._')
    return number if not safe or name == str(index) else f'{number}_{safe}'


def every_class(
    classes: Sequence[int], seed: int | Sequence[int], num: int
) -> tuple[Tensor, list[int]]:
    """Label (N,) and seed of each sample, class after class.

    Args:
        classes: those wanted.
        seed: of the first sample, from which on they count; or a list, which every
            class gets.
        num: samples of each class where ``seed`` is one number.
    """
    if isinstance(seed, int):
        seeds = counted(seed, num * len(classes))
    else:
        seeds = list(seed) * len(classes)
    per_class = len(seeds) // len(classes)
    return torch.tensor(classes).repeat_interleave(per_class), seeds


def counted(seed: int | Sequence[int], num: int) -> list[int]:
    """``num`` seeds from the first one on, or those of a list."""
    return list(range(seed, seed + num)) if isinstance(seed, int) else list(seed)
