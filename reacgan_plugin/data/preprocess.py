"""From a loader's batch to what the networks take."""

from __future__ import annotations

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from reacgan_plugin.functional.labels import check_label

HALF_RANGE = 127.5  # of eight-bit levels


class ImagePreprocessor(BaseDataPreprocessor):
    """Bytes to [-1, 1], on the model's device, in the memory format convolutions like.

    Args:
        non_blocking: let copies from pinned memory overlap with computing.
        channels_last: give images in that memory format, else as they come.
        num_classes: K; None leaves the range of labels unchecked.

    Shapes: dict(image=(N, C, H, W), label=(N,)) -> the same, float32 and int64. uint8
    images become x / 127.5 - 1; float images are taken to be in [-1, 1] already.
    Raises: ValueError for other image types, and for labels that are not integers of
    shape (N,) in 0..K-1. Values are read on the CPU only, so nothing waits for a
    device.
    """

    def __init__(
        self,
        non_blocking: bool = True,
        *,
        channels_last: bool = True,
        num_classes: int | None = None,
    ):
        super().__init__(non_blocking)
        self.num_classes = num_classes
        self.memory_format = (
            torch.channels_last if channels_last else torch.preserve_format
        )

    def forward(self, data: dict, training: bool = False) -> dict:
        for key in ('image', 'label'):
            if key not in data:
                raise ValueError(f'the batch has no {key!r}, only {sorted(data)}')
        image, label = self._image(data['image']), data['label']
        # before it goes to a GPU, where a class that does not exist ends the process
        check_label(label, len(image), self.num_classes)
        label = label.to(self.device, torch.int64, non_blocking=self._non_blocking)
        return dict(image=image, label=label)

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
