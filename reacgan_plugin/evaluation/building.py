"""Parts of an evaluation from configs.

Importing this module needs mmengine and mmcv.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from reacgan_plugin.evaluation.reals import DatasetImages
from reacgan_plugin.evaluation.reference import (
    DatasetReference,
    FileReference,
    default_cache,
)
from reacgan_plugin.registry import DATASETS, build, check_keywords, check_type


def built(registry, entry, key: str):
    """A component of a config, whose settings are checked, or one that is built.

    Raises: ValueError for a type or a setting that is not known.
    """
    if isinstance(entry, Mapping):
        check_type(registry, entry, key)
        check_keywords(registry, entry, key)
    return build(registry, entry)


def reference_of(
    reference, *, cache_dir: str | os.PathLike | None = None, num_workers: int = 0
) -> DatasetReference | FileReference:
    """The reals of a data set, its config, or a ``.npz`` file.

    Args:
        reference: which of them.
        cache_dir: folder for rows of a data set; None: :func:`default_cache`.
        num_workers: processes that decode its images.

    Raises: ValueError for data that is not there or settings that are not known.
    """
    if isinstance(reference, str | os.PathLike):
        return FileReference(reference)
    if isinstance(reference, Mapping):
        check_type(DATASETS, reference, 'reference')
        check_keywords(DATASETS, reference, 'reference')
    images = DatasetImages(reference, num_workers=num_workers)
    return DatasetReference(images, cache_dir=cache_dir or default_cache())
