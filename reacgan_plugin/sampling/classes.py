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
    safe = _safe(name)
    return number if not safe or name == str(index) else f'{number}_{safe}'


def class_folders(names: Sequence[str], count: int) -> list[str]:
    """Names of the folders of all classes."""
    return [class_folder(index, names, count) for index in range(count)]


def same_classes(own: Sequence[str], others: Sequence[str]) -> list[int] | None:
    """The place of each class among those of others; None where they are not the same.

    Classes are the same by name, by name without the number that :func:`class_folder`
    puts before it, or by that number.
    """
    for key in (str, _without_number, _number):
        keys, wanted = ([key(name) for name in names] for names in (own, others))
        if None in keys or len(set(keys)) < len(keys):
            continue
        if len(keys) == len(wanted) and set(keys) == set(wanted):
            return [wanted.index(each) for each in keys]
    return None


def _without_number(name: str) -> str | None:
    return _safe(re.sub(r'^\d+_', '', name)) or None


def _number(name: str) -> int | None:
    found = re.match(r'\d+(?=_|$)', name)
    return int(found[0]) if found else None


def _safe(name: str) -> str:
    return re.sub(r'[^\w.-]+', '_', name)[:LONGEST].strip('._')


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
