"""Images to prepare, and what a result holds, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = {'cat': 7, 'dog': 5, 'owl': 9}


def write_source(root: Path) -> Path:
    """Class folders of noise in many sizes, every other image a folder deeper."""
    rng = np.random.default_rng(0)
    for name, count in CLASSES.items():
        for number in range(count):
            folder = root / name / ('deep' if number % 2 else '')
            folder.mkdir(parents=True, exist_ok=True)
            shape = (*rng.integers(9, 30, 2), 3)
            pixels = rng.integers(0, 256, shape, dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f'{number}.png')
    return root


def contents(path: Path) -> dict[str, bytes]:
    """Of a file, or of all files below a folder."""
    if path.is_file():
        return {'': path.read_bytes()}
    files = sorted(file for file in path.rglob('*') if not file.is_dir())
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}
