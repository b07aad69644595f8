"""What is done to an image: the transforms that configs have, with PIL's filters."""

from __future__ import annotations

from typing import NamedTuple

from mmcv.transforms import Resize

from reacgan_plugin.data.loading import CenterCropSquare, LoadImage
from reacgan_plugin.options import one_of, whole
from reacgan_plugin.preparing import CROPS, RESIZERS


class Recipe(NamedTuple):
    """How an image of a source becomes one of the result."""

    size: int  # of both sides
    resizer: str = 'lanczos'
    crop: str = 'centre'  # the largest centred square; 'none': squeezed into a square
    channels: int = 3

    def checked(self) -> Recipe:
        """Itself; ValueError for a setting that is not possible."""
        whole('size', self.size, above=0)
        one_of('resizer', self.resizer, RESIZERS)
        one_of('crop', self.crop, CROPS)
        one_of('channels', self.channels, (1, 3))
        return self

    def transforms(self) -> list:
        """The same as in a config's pipeline, so that training on prepared images is
        training on the source."""
        cropping = [CenterCropSquare()] if self.crop == 'centre' else []
        scale, interpolation = (self.size, self.size), self.resizer
        resize = Resize(scale, backend='pillow', interpolation=interpolation)
        return [LoadImage(self.channels), *cropping, resize]
