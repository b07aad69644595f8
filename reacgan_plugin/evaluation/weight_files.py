"""Which weights a file holds, in a few letters."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

CHUNK = 2**20


def file_mark(path: str | Path) -> str:
    """First eight digits of a file's SHA-256, as torch's hub puts them into names."""
    digest = sha256()
    with open(path, 'rb') as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()[:8]
