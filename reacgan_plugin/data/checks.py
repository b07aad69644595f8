"""Questions to a data set before the first step, so that mistakes are found there."""

from __future__ import annotations

import numpy as np
import torch

from reacgan_plugin.data.dataset import SeededDataset

NAMES_OF_SPLITS = {'train', 'val', 'valid', 'validation', 'test'}


def check_dataset(dataset, num_classes: int) -> None:
    """Does the data set fit a model of ``num_classes`` classes?

    Compares the number of classes, reads all labels and decodes one image.
    Raises: ValueError saying what was found and what the config announces.
    """
    if isinstance(dataset, SeededDataset):
        dataset = dataset.dataset
    if len(dataset) == 0:
        raise ValueError(f'{type(dataset).__name__} has no images')
    classes = getattr(dataset, 'classes', None)
    if classes is not None:
        _check_classes(list(classes), num_classes)
    labels = getattr(dataset, 'labels', None)
    if labels is not None:
        check_labels(labels, num_classes)
    _check_sample(dataset[0], num_classes)


def check_labels(labels, num_classes: int) -> None:
    """Labels must be integers of shape (N,) in 0..num_classes-1, else ValueError."""
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in 'iu':
        raise ValueError(
            f'labels are {labels.dtype} of shape {labels.shape}; they must be integers '
            'of shape (N,), neither one-hot rows nor floats'
        )
    lowest, highest = labels.min(), labels.max()
    if lowest < 0 or highest >= num_classes:
        raise ValueError(
            f'labels run from {lowest} to {highest}, but num_classes={num_classes} '
            f'allows 0..{num_classes - 1}'
        )


def check_image_size(
    sample: dict, size: int | tuple[int, int] | None, *, channels: int | None = None
) -> None:
    """Does the pipeline's image have the (height, width) that the networks expect?

    Args:
        sample: an item of a data set, with 'image' (C, H, W).
        size: one side of a square, or (H, W); None leaves it unchecked.
        channels: C that they expect; None leaves it unchecked.

    Raises: ValueError naming both sizes and the transform to add.
    """
    found = len(sample['image'])
    if channels not in (None, found):
        raise ValueError(
            f'the pipeline gives images of {found} channel(s), but the networks expect '
            f"{channels}; set dict(type='LoadImage', channels={channels}), or "
            f'model.image_channels={found}'
        )
    if size is None:
        return
    expected = (size, size) if isinstance(size, int) else tuple(size)
    height, width = sample['image'].shape[-2:]
    if (height, width) != expected:
        raise ValueError(
            f'the pipeline gives images of {height} x {width}, but the networks expect '
            f'{expected[0]} x {expected[1]} (height x width); put '
            f'{_resizing(*expected)} before PackImage'
        )


def _resizing(height: int, width: int) -> str:
    """The transforms that make images of that size; mmcv's scale is (width, height)."""
    resize = (
        f"dict(type='Resize', scale=({width}, {height}), backend='pillow', "
        "interpolation='bicubic')"
    )
    # squeezing a square into another shape would distort what is in it
    return f"dict(type='CenterCropSquare'), {resize}" if height == width else resize


def _check_classes(classes: list[str], num_classes: int) -> None:
    if len(classes) == num_classes:
        return
    hint = ''
    if num_classes > len(classes) and _looks_one_level_too_high(classes):
        hint = '; the folder is probably one level too high'
    plural = 'class' if len(classes) == 1 else 'classes'
    raise ValueError(
        f'found {len(classes)} {plural} ({_some(classes)}), but the config says '
        f'num_classes={num_classes}{hint}'
    )


def _looks_one_level_too_high(classes: list[str]) -> bool:
    return len(classes) == 1 or {name.lower() for name in classes} <= NAMES_OF_SPLITS


def _some(names: list[str], most: int = 5) -> str:
    return ', '.join(names[:most]) + (', ...' if len(names) > most else '')


def _check_sample(sample, num_classes: int) -> None:
    if not isinstance(sample, dict) or not {'image', 'label'} <= sample.keys():
        found = sorted(sample) if isinstance(sample, dict) else type(sample).__name__
        raise ValueError(
            f'a sample must be dict(image=..., label=...), found {found}; is '
            "dict(type='PackImage') the last step of the pipeline?"
        )
    image = sample['image']
    is_image = isinstance(image, torch.Tensor) and image.ndim == 3
    if not is_image or len(image) not in (1, 3):
        found = getattr(image, 'shape', type(image).__name__)
        raise ValueError(
            f'an image must be a tensor of shape (1 or 3, H, W), found {found}'
        )
    if image.dtype != torch.uint8 and not image.is_floating_point():
        raise ValueError(f'an image must be uint8 or float, found {image.dtype}')
    check_labels(np.asarray(sample['label'])[None], num_classes)
