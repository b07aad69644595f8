"""Whatever images lie in, as one of our data sets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reacgan_plugin.config import load_config
from reacgan_plugin.data.class_folder import ClassFolder
from reacgan_plugin.data.dataset import ImageDataset
from reacgan_plugin.data.hdf5 import HDF5Images
from reacgan_plugin.data.stylegan import LABELS, StyleGANArchive
from reacgan_plugin.data.tar_shards import TarShards
from reacgan_plugin.preparing.formats import CLASSES
from reacgan_plugin.registry import DATASETS, build

CONFIGS = ('.py', '.json', '.yaml', '.yml')
HDF5 = ('.h5', '.hdf5')


def opened(
    source: str, *, nested: bool = False, overrides: Mapping | None = None
) -> ImageDataset:
    """The data set of a source, which is never written to, but for the indices that
    :class:`~reacgan_plugin.data.tar_shards.TarShards` keeps beside shards.

    Args:
        source: a folder with class folders, with ``dataset.json`` or with nothing but
            tar shards; a zip with ``dataset.json``; shards, as ``TarShards`` takes
            them; an HDF5 file; or a config, or the name of one of ours, whose training
            set is meant.
        nested: of class folders, as ``ClassFolder`` takes it.
        overrides: of a config, dotted keys to values.

    Raises: ValueError for what is none of these, holds no images or has no labels.
    """
    path, suffix = Path(source), Path(source).suffix.lower()
    if suffix in CONFIGS:
        dataset = _of_config(source, overrides)
    elif path.is_dir() and any(path.glob('*.tar')) and not _holds_folders(path):
        names = path / CLASSES
        classes = names if names.is_file() else None
        dataset = TarShards(path / '*.tar', pipeline=[], classes=classes)
    elif path.is_dir() and (path / LABELS).is_file():
        dataset = StyleGANArchive(path, pipeline=[])
    elif suffix == '.zip':
        dataset = StyleGANArchive(path, pipeline=[])
    elif suffix == '.tar':
        dataset = TarShards(source, pipeline=[])
    elif suffix in HDF5:
        dataset = HDF5Images(path, pipeline=[])
    else:
        dataset = _class_folder(path, nested)
    if len(dataset) == 0:
        raise ValueError(f'{source} holds no images')
    return dataset


def _holds_folders(path: Path) -> bool:
    """Class folders, beside which a tar may be what they were unpacked from."""
    found = (entry for entry in path.iterdir() if not entry.name.startswith('.'))
    return any(entry.is_dir() for entry in found)


def _class_folder(path: Path, nested: bool) -> ImageDataset:
    if not path.is_dir():
        raise ValueError(
            f'{str(path)!r} is no source; allowed: a folder, .zip, .tar, '
            f'{", ".join(HDF5)} or a config ({", ".join(CONFIGS)})'
        )
    return ClassFolder(path, pipeline=[], nested=nested)


def _of_config(name: str, overrides: Mapping | None) -> ImageDataset:
    config, _ = load_config(name, overrides)
    settings = config.get('train_dataloader', {}).get('dataset')
    if settings is None:
        raise ValueError(f'{name} has no train_dataloader.dataset')
    dataset = build(DATASETS, settings)
    if not isinstance(dataset, ImageDataset):
        raise ValueError(
            f'{name}: train_dataloader.dataset is {type(dataset).__name__}, which '
            'changes another data set; give that one alone'
        )
    return dataset
