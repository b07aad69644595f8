"""Many images as one picture: tiles, and frames of an animation."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from reacgan_plugin.writing import written_aside

LINE = 1  # pixels between tiles
FRAME_MILLISECONDS = 100


def tiled(images: Tensor, columns: int | None = None) -> Tensor:
    """Images (N, 3, H, W), row by row, as one (3, H', W') with black lines between and
    around them; ``columns`` None: about as many as rows."""
    columns = columns or math.isqrt(len(images) - 1) + 1
    height, width = (side + LINE for side in images.shape[2:])
    rows = math.ceil(len(images) / columns)
    canvas = images.new_zeros(3, rows * height + LINE, columns * width + LINE)
    for place, image in enumerate(images):
        row, column = divmod(place, columns)
        top, left = row * height + LINE, column * width + LINE
        canvas[:, top : top + height - LINE, left : left + width - LINE] = image
    return canvas


def save_picture(images: Tensor, path: str | Path, *, columns: int | None = None):
    """Write uint8 images (N, 3, H, W), tiled, as a PNG."""
    picture = as_pil(tiled(images, columns))
    with written_aside(path) as file:
        picture.save(file, format='PNG')


def save_animation(
    frames: Tensor, path: str | Path, *, milliseconds: int = FRAME_MILLISECONDS
):
    """Write uint8 images (R, T, 3, H, W) as an endless GIF of T frames, the R images of
    each tiled.

    A GIF has 256 colours a frame, so a strip as PNG shows more of the images.
    """
    first, *others = (as_pil(tiled(each)) for each in frames.unbind(1))
    with written_aside(path) as file:
        first.save(
            file,
            format='GIF',
            save_all=True,
            append_images=others,
            duration=milliseconds,
            loop=0,
        )


def as_pil(image: Tensor):
    """uint8 (3, H, W) -> PIL's RGB image."""
    from PIL import Image

    return Image.fromarray(image.to(torch.uint8).permute(1, 2, 0).numpy())
