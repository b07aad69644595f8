"""The reals that fakes are compared with: rows that are extracted once.

A ``.npz`` file of the field holds ``mu`` (D,) and ``sigma`` (D, D) of features; it may
also have ``features`` (n, D), ``labels`` (n,), ``count`` and ``size`` (H, W). Files
that are kept here have all of them, so that they can be given to others.
"""

from __future__ import annotations

import json
import os
from hashlib import blake2b
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import print_log

from reacgan_plugin.evaluation.features import View, extract
from reacgan_plugin.evaluation.fingerprint import fingerprint
from reacgan_plugin.evaluation.ranks import Ranks
from reacgan_plugin.evaluation.reals import DatasetImages
from reacgan_plugin.evaluation.rows import Rows
from reacgan_plugin.evaluation.statistics import Gaussian
from reacgan_plugin.writing import written_aside

KEPT = 100_000  # rows of a data set; FID takes all images whatever their number
FORMAT = 2  # of the files kept


def default_cache() -> Path:
    """Where rows are kept: reacgan_plugin in XDG_CACHE_HOME, or in ~/.cache."""
    root = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(root, 'reacgan_plugin')


class DatasetReference:
    """Rows of a data set, kept in a file under a name that says of what they are.

    Args:
        source: the images.
        cache_dir: folder of the files; None: none are kept.
        keep: rows kept at most.
    """

    def __init__(
        self,
        source: DatasetImages,
        *,
        cache_dir: str | os.PathLike | None = None,
        keep: int = KEPT,
    ):
        self.source, self.name, self.keep = source, source.name, keep
        self.cache_dir = None if cache_dir is None else Path(cache_dir)

    def rows(self, view: View, ranks: Ranks) -> Rows | None:
        """On the first rank; None on the others. All call this."""
        found: list[Rows] = []
        path = ranks.by_first(lambda: self._path(view))
        if ranks.by_first(lambda: self._load(path, found)):
            return found[0] if found else None
        rows = extract(self.source, view, ranks, keep=self.keep)
        ranks.by_first(lambda: self._save(path, rows))
        return rows

    def _path(self, view: View) -> str | None:
        if self.cache_dir is None:
            return None
        content = fingerprint(self.source.dataset)
        about = [FORMAT, content, view.extractor.name, view.resizer, self.keep]
        digest = blake2b(json.dumps(about).encode(), digest_size=12).hexdigest()
        return str(self.cache_dir / f'reference_{digest}.npz')

    def _load(self, path: str | None, found: list[Rows]) -> bool:
        if path is None or not Path(path).is_file():
            return False
        try:
            found.append(read_rows(path, self.name))
        except ValueError as error:
            print_log(f'{error}; it is made anew', logger='current')
        return bool(found)

    def _save(self, path: str | None, rows: Rows | None) -> None:
        """A full disk costs time when rows are wanted again, not this number."""
        if path is None:
            return
        try:
            write_rows(rows, path)
        except (OSError, ValueError) as error:  # one image has no covariance
            print_log(f'rows of {self.name} are not kept: {error}', logger='current')


class FileReference:
    """Rows, or mean and covariance alone, of a ``.npz`` file.

    Args:
        path: of the file; its numbers must be of the same extractor and resizer.

    Raises: ValueError for a file that is missing or has none of them.
    """

    def __init__(self, path: str | os.PathLike):
        self.path, self.name = Path(path), Path(path).name
        self._read = read_rows(self.path, self.name)

    def rows(self, view: View, ranks: Ranks) -> Rows | None:
        """On the first rank; None on the others."""
        return self._read if ranks.is_first else None


def read_rows(path: str | os.PathLike, name: str) -> Rows:
    """Rows of a ``.npz`` file, which is read as data alone.

    Raises: ValueError for a file that is missing, broken, or without mu and sigma.
    """
    if not Path(path).is_file():
        what = 'is a folder, not a file' if Path(path).is_dir() else 'does not exist'
        raise ValueError(f'reference {path} {what}')
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {key: file[key] for key in file.files if key in _KEYS}
    except Exception as error:  # numpy and zipfile fail in many ways on a broken file
        raise ValueError(f'reference {path} is no .npz of arrays: {error}') from error
    if not {'mu', 'sigma'} <= found.keys():
        raise ValueError(
            f'reference {path} has {", ".join(found) or "nothing known"}; it must have '
            'mu and sigma'
        )
    mean, covariance = (np.float64(found[key]) for key in ('mu', 'sigma'))
    if mean.ndim != 1 or covariance.shape != 2 * mean.shape:
        raise ValueError(
            f'reference {path} has mu {mean.shape} and sigma {covariance.shape}; '
            'allowed: (D,) and (D, D)'
        )
    features = found.get('features')
    return Rows(
        name,
        int(found['count']) if 'count' in found else None,
        features=None if features is None else torch.from_numpy(features).float(),
        labels=found.get('labels'),
        gaussian=Gaussian(mean, covariance),
        size=tuple(found['size'].tolist()) if 'size' in found else None,
    )


_KEYS = ('mu', 'sigma', 'features', 'labels', 'count', 'size')


def write_rows(rows: Rows, path: str | os.PathLike) -> None:
    """A ``.npz`` file, written aside and renamed."""
    gaussian = rows.fitted()
    entries = dict(mu=gaussian.mean, sigma=gaussian.covariance, count=rows.count)
    entries['features'] = rows.features.numpy()
    if rows.size is not None:
        entries['size'] = np.array(rows.size)
    if rows.labels is not None:
        entries['labels'] = rows.labels
    with written_aside(path) as file:
        np.savez(file, **entries)
