"""From a file or an array to the image tensor that a training loop reads.

Resizing, cropping and flipping are mmcv's transforms; these here stand at both ends.
Shapes: height H, width W. Colours are RGB everywhere.
"""

from __future__ import annotations

import io
import operator
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from PIL import Image, ImageOps, UnidentifiedImageError

from reacgan_plugin.options import whole

MODE_OF_CHANNELS = {1: 'L', 3: 'RGB'}
# By content, whatever a file is called. PIL knows more, such as PostScript, for which
# it would start an interpreter on whatever a folder holds.
FORMATS = ('PNG', 'JPEG', 'WEBP', 'GIF', 'BMP', 'TIFF', 'PPM', 'JPEG2000', 'AVIF')
MAX_PIXELS = 100_000_000  # 300 MB in RGB


class BrokenImage(ValueError):
    """An image that does not load; the message names the file."""

    @property
    def reason(self) -> str:
        """The message alone; a loader's worker puts its traceback before it."""
        return str(self).strip().splitlines()[-1].split(f'{type(self).__name__}: ')[-1]


class LoadImage(BaseTransform):
    """Decode the file ``results['img_path']``, its content ``results['img_bytes']`` if
    that is there, or take the array or PIL image ``results['img']``.

    Turned upright by EXIF; palettes resolved; CMYK to RGB; grey of 16 bits scaled to 8
    (65535 becomes 255), of colours the high byte taken, as PIL does; alpha composited
    on the background; of several frames the first.

    Args:
        channels: 3 for RGB, 1 for grey.
        background: what shows through transparent pixels, a grey level or (R, G, B).
        max_pixels: a file that announces more is refused before it is decoded.

    Sets 'img', uint8, (H, W, 3) or, for one channel, (H, W) as mmcv's transforms expect
    of grey images; 'img_shape' and 'ori_shape', both (H, W).
    Raises: BrokenImage, a ValueError, naming the file that is missing, truncated, no
    image or too large.
    """

    def __init__(
        self,
        channels: int = 3,
        background: int | tuple = 255,
        *,
        max_pixels: int = MAX_PIXELS,
    ):
        if channels not in MODE_OF_CHANNELS:
            raise ValueError(f'LoadImage: channels={channels!r}; allowed: 1, 3')
        self.mode = MODE_OF_CHANNELS[channels]
        self.background = _background_colour(background)
        self.max_pixels = whole('LoadImage: max_pixels', max_pixels, above=0)

    def transform(self, results: dict) -> dict:
        image = self._array(results)
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results

    def _array(self, results: dict) -> np.ndarray:
        try:
            if results.get('img') is not None:
                return self._convert(_image_of_array(results['img']))
            return self._decoded(results['img_path'], results.get('img_bytes'))
        except Exception as error:  # decoders raise nearly anything on broken files
            path = results.get('img_path')
            name = '' if path is None else f' {str(path)!r}'
            reason = ' '.join(str(error).split()) or type(error).__name__
            raise BrokenImage(f'cannot read the image{name}: {reason}') from error

    def _decoded(self, path, content: bytes | None) -> np.ndarray:
        try:
            # Opened here, since of a path PIL maps the file, and then turns the pixels
            # of some TIFFs wrongly.
            with open(path, 'rb') if content is None else io.BytesIO(content) as file:
                with _pixel_limit(self.max_pixels):
                    image = Image.open(file, 'r', FORMATS)
                    self._check_size(*image.size)
                    ImageOps.exif_transpose(image, in_place=True)
                return self._convert(image)
        except UnidentifiedImageError:
            raise ValueError(f'of no known format ({", ".join(FORMATS)})') from None
        except Image.DecompressionBombError as error:
            raise ValueError(f'{error} {self._limit()}') from None

    def _check_size(self, width: int, height: int) -> None:
        if not 0 < width * height <= self.max_pixels:
            raise ValueError(f'it has {width} x {height} pixels; {self._limit()}')

    def _limit(self) -> str:
        return f'allowed: 1 to LoadImage.max_pixels={self.max_pixels}'

    def _convert(self, image: Image.Image) -> np.ndarray:
        if image.mode.startswith('I'):
            image = _eight_bits(image)
        elif image.mode == 'F':
            raise ValueError('float pixels (mode F) have no agreed range')
        elif image.has_transparency_data:
            image = _composite(image.convert('RGBA'), self.background)
        # A copy, since arrays that view PIL's memory are read-only.
        return np.array(image.convert(self.mode))

    def __repr__(self) -> str:
        return f'LoadImage(mode={self.mode!r}, background={self.background})'


class CenterCropSquare(BaseTransform):
    """Keep the largest centred square, as GAN set-ups for ImageNet do before resizing.

    Shapes: 'img' (H, W[, 3]) -> (S, S[, 3]) with S = min(H, W).
    """

    def transform(self, results: dict) -> dict:
        height, width = results['img'].shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        results['img'] = results['img'][top : top + side, left : left + side]
        results['img_shape'] = (side, side)
        return results

    def __repr__(self) -> str:
        return 'CenterCropSquare()'


class PackImage(BaseTransform):
    """The last step: only what training needs, ready to be stacked into a batch.

    Shapes: 'img' uint8 (H, W), (H, W, 1) or (H, W, 3), 'label' an integer ->
    dict(image=uint8 tensor (1 or 3, H, W), label=int).
    Raises: ValueError for other shapes and types, and for a missing label.
    """

    def transform(self, results: dict) -> dict:
        return dict(image=_image_tensor(results['img']), label=_class_index(results))

    def __repr__(self) -> str:
        return 'PackImage()'


@contextmanager
def _pixel_limit(most: int) -> Iterator[None]:
    """While opening, some formats reserve memory; PIL raises from twice its limit on,
    and only warns before."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = most
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _background_colour(background) -> tuple:
    colour = (background,) * 3 if isinstance(background, int) else tuple(background)
    if len(colour) != 3 or not all(0 <= level <= 255 for level in colour):
        raise ValueError(
            f'LoadImage: background={background!r}; allowed: a level 0..255 or a '
            'triple (R, G, B) of them'
        )
    return colour


def _image_of_array(array: np.ndarray | Image.Image) -> Image.Image:
    if isinstance(array, Image.Image):  # as torchvision's data sets give them
        return ImageOps.exif_transpose(array)
    array = np.asarray(array)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]  # PIL knows grey images as (H, W) only
    if array.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"'img' is {array.dtype}; LoadImage takes uint8 or uint16")
    return Image.fromarray(array)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Modes I and I;16, which hold 16-bit levels, as 8-bit grey."""
    levels = np.asarray(image).astype(np.int64)
    if levels.min() < 0 or levels.max() > 65535:
        raise ValueError(
            f'levels {levels.min()}..{levels.max()} do not fit 16 bits (0..65535)'
        )
    return Image.fromarray(np.rint(levels * (255 / 65535)).astype(np.uint8))


def _composite(image: Image.Image, background: tuple) -> Image.Image:
    canvas = Image.new('RGB', image.size, background)
    canvas.paste(image, mask=image.getchannel('A'))
    return canvas


def _image_tensor(image: np.ndarray) -> torch.Tensor:
    if image.ndim == 2:
        image = image[..., None]
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
        raise ValueError(
            f"PackImage: 'img' is {image.dtype} of shape {image.shape}; it must be "
            'uint8 of shape (H, W), (H, W, 1) or (H, W, 3)'
        )
    # Always a copy: flips give negative strides, and images held in memory must not
    # change when somebody writes into a batch.
    return torch.from_numpy(np.array(image.transpose(2, 0, 1), order='C'))


def _class_index(results: dict) -> int:
    if 'label' not in results:
        raise ValueError(
            "PackImage: no 'label' in the sample; the data set's load() must give one"
        )
    try:
        return operator.index(results['label'])
    except TypeError:
        raise ValueError(
            f'PackImage: label {results["label"]!r} is no integer class index'
        ) from None
