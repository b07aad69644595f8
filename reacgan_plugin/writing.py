"""Files that have their name only once they are whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4


@contextmanager
def replacing(path: Path, aside: Path) -> Iterator[BinaryIO]:
    """A file to write into, called ``aside`` until it takes its place at the end: a
    kill or a full disk leaves what was there before."""
    try:
        with open(aside, 'wb') as file:
            yield file
        os.replace(aside, path)
    finally:
        with suppress(OSError):  # what kept it from being written is the error to tell
            aside.unlink(missing_ok=True)


@contextmanager
def written_aside(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A file that has its name at the end, see :func:`replacing`. Folders above it are
    made; several processes and machines may write the same one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f'.{path.name}.{uuid4().hex}.partial')
    with replacing(path, aside) as file:
        yield file


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
