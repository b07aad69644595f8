"""Files that have their name only once they are whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def written_aside(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A file to write into, which takes its place at the end: a kill or a full disk
    leaves what was there before. Folders above it are made."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # several processes may write the same file
    aside = path.with_name(f'.{path.name}.{os.getpid()}.partial')
    try:
        with open(aside, 'wb') as file:
            yield file
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a text, aside first."""
    with written_aside(path) as file:
        file.write(text.encode())


def check_writable(path: str | os.PathLike) -> None:
    """Say before long work that its result could not be written; makes the folders
    above it.

    Raises: ValueError for a folder in the file's place, OSError for one above it that
    cannot be made or written into.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f'{path} is a folder; allowed: the name of a file')
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path.parent):
        pass
