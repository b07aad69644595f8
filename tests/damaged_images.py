"""Image files, damaged in the ways of disks, downloads and people; always the same."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image
from raw_png import raw_png

SIZE = (20, 24)  # height, width
# how PIL writes them, and the name's end; GIFs are no files of class folders by name
SAVED = [
    ('PNG', 'RGB', 'png', {}),
    ('PNG', 'RGBA', 'png', {}),
    ('PNG', 'LA', 'png', {}),
    ('PNG', 'P', 'png', dict(transparency=3)),
    ('PNG', 'I;16', 'png', {}),
    ('PNG', '1', 'png', {}),
    ('JPEG', 'RGB', 'jpg', {}),
    ('JPEG', 'RGB', 'jpeg', dict(progressive=True)),
    ('JPEG', 'CMYK', 'jpg', {}),
    ('GIF', 'P', 'png', {}),
    ('WEBP', 'RGB', 'webp', {}),
    ('WEBP', 'RGBA', 'webp', dict(lossless=True)),
    ('BMP', 'RGB', 'bmp', {}),
    ('BMP', 'P', 'bmp', {}),
    ('TIFF', 'RGB', 'tif', {}),
    ('TIFF', 'RGB', 'tiff', dict(compression='tiff_lzw')),
    ('TIFF', 'L', 'tiff', dict(compression='tiff_adobe_deflate')),
    ('TIFF', 'RGB', 'tiff', dict(compression='jpeg')),
    ('TIFF', 'I;16', 'tif', {}),
    ('TIFF', '1', 'tif', dict(compression='group4')),
    ('PPM', 'RGB', 'ppm', {}),
]


def damaged_images(count: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Names and contents."""
    rng = np.random.default_rng(seed)
    whole = [(suffix, content) for suffix, content in _whole(rng)]
    for number in range(count):
        suffix, content = whole[rng.integers(len(whole))]
        damage = DAMAGES[number % len(DAMAGES)]
        other = whole[rng.integers(len(whole))][1]
        yield f'{number:04}_{damage.__name__}.{suffix}', damage(content, other, rng)


def _whole(rng) -> Iterator[tuple[str, bytes]]:
    pixels = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind, mode, suffix, options in SAVED:
        image = Image.fromarray(pixels)
        if mode == 'I;16':
            image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
        file = io.BytesIO()
        with_exif = dict(exif=exif) if mode == 'RGB' and kind in EXIF else {}
        image = image if mode == image.mode else image.convert(mode)
        image.save(file, format=kind, **options, **with_exif)
        yield suffix, file.getvalue()
    yield 'png', raw_png(pixels.astype(np.uint16) * 257)


EXIF = ('PNG', 'JPEG', 'WEBP')


def flipped(content: bytes, other: bytes, rng) -> bytes:
    """One to twenty bits are."""
    changed = bytearray(content)
    for place in rng.integers(0, len(content), rng.integers(1, 21)):
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def flipped_early(content: bytes, other: bytes, rng) -> bytes:
    """Where sizes and modes are said."""
    return flipped(content[:64], other, rng) + content[64:]


def truncated(content: bytes, other: bytes, rng) -> bytes:
    """The rest never arrived."""
    return content[: rng.integers(len(content))]


def zeroed(content: bytes, other: bytes, rng) -> bytes:
    """A block that was never written."""
    begin, end = sorted(rng.integers(0, len(content), 2))
    return content[:begin] + bytes(end - begin) + content[end:]


def swapped(content: bytes, other: bytes, rng) -> bytes:
    """The beginning of another file."""
    length = int(rng.integers(4, 64))
    return other[:length] + content[length:]


def scrambled(content: bytes, other: bytes, rng) -> bytes:
    """Random bytes behind a beginning that is right, or none at all."""
    length = int(rng.choice([0, 8, 32, 64]))
    return content[:length] + rng.bytes(int(rng.integers(0, 2000)))


def repeated(content: bytes, other: bytes, rng) -> bytes:
    """Two files in one."""
    return content[: rng.integers(len(content))] + other


DAMAGES = [flipped, flipped_early, truncated, zeroed, swapped, scrambled, repeated]
