"""Real images to look for neighbours in: of a folder, or of a config's data set.

Importing this module needs mmengine and mmcv.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from reacgan_plugin.data import check_image_size
from reacgan_plugin.evaluation.folders import ImageFolder
from reacgan_plugin.evaluation.reals import DatasetImages, missing_data, unaltered
from reacgan_plugin.registry import DATASETS, build


def real_images(
    folder: str | Path | None, config: Mapping, size: tuple[int, int]
) -> DatasetImages:
    """Images of a folder, brought to (H, W), or those that a run was trained on.

    Of the latter, random transforms and a selection of images are left out.

    Args:
        folder: with images in any depth; None: the data set of ``config``.
        config: of the run; its number of workers decodes.
        size: (H, W) of the samples.

    Raises: ValueError for data that is not there or of another size, and for a config
    without any.
    """
    loader = config.get('train_dataloader') or {}
    if folder is not None:
        if not str(folder):  # which would be the folder one is in
            raise ValueError("'' is not a folder")
        dataset = ImageFolder(folder, size=size)
    elif loader.get('dataset') is None:
        raise ValueError('the config has no data set; name a folder: --neighbours DIR')
    else:
        with missing_data('--neighbours'):
            dataset = build(DATASETS, unaltered(loader['dataset']))
    check_image_size(dataset[0], size)
    return DatasetImages(dataset, num_workers=loader.get('num_workers', 0))


def image_batches(images: DatasetImages, batch: int) -> Iterator[Tensor]:
    """All of them in their order: uint8 (B, 3, H, W) each.

    Raises: ValueError for an image that does not load.
    """
    parts = torch.arange(len(images)).split(batch)
    return images.batches([part.numpy() for part in parts])
