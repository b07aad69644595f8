"""From a loader's batch to what the networks take."""

from __future__ import annotations

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

HALF_RANGE = 127.5  # of eight-bit levels


class ImagePreprocessor(BaseDataPreprocessor):
    """Bytes to [-1, 1], on the model's device, in the memory format convolutions like.

    Args:
        non_blocking: let copies from pinned memory overlap with computing.
        channels_last: give images in that memory format, else as they come.

    Shapes: dict(image=(N, C, H, W), label=(N,)) -> the same, float32 and int64. uint8
    images become x / 127.5 - 1; float images are taken to be in [-1, 1] already.
    Raises: ValueError for other image types, and for labels that are not integers of
    shape (N,). Only types and shapes are looked at, so nothing waits for the device.
    """

    def __init__(self, non_blocking: bool = True, *, channels_last: bool = True):
        super().__init__(non_blocking)
        self.memory_format = (
            torch.channels_last if channels_last else torch.preserve_format
        )

    def forward(self, data: dict, training: bool = False) -> dict:
        for key in ('image', 'label'):
            if key not in data:
                raise ValueError(f'the batch has no {key!r}, only {sorted(data)}')
        return dict(image=self._image(data['image']), label=self._label(data['label']))

    def _image(self, image: Tensor) -> Tensor:
        if image.ndim != 4 or not (
            image.dtype == torch.uint8 or image.is_floating_point()
        ):
            raise ValueError(
                f'images are {image.dtype} of shape {tuple(image.shape)}; they must be '
                'uint8 or float, (N, C, H, W)'
            )
        is_bytes = image.dtype == torch.uint8
        # Bytes are copied first and widened on the device: a quarter of the traffic.
        image = image.to(self.device, non_blocking=self._non_blocking)
        image = image.to(torch.float32, memory_format=self.memory_format)
        return image.div_(HALF_RANGE).sub_(1) if is_bytes else image

    def _label(self, label: Tensor) -> Tensor:
        if label.ndim != 1 or label.is_floating_point() or label.dtype == torch.bool:
            raise ValueError(
                f'labels are {label.dtype} of shape {tuple(label.shape)}; they must be '
                'integers of shape (N,)'
            )
        return label.to(self.device, torch.int64, non_blocking=self._non_blocking)
