"""A backbone and a head as one module, which DDP, optimizer and checkpoint see."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from reacgan_plugin.conditioning.base import DiscriminatorOutput


class Discriminator(nn.Module):
    """Features of the backbone, judged by the head of a conditioning.

    Args:
        backbone: image (N, 3, H, W) -> features (N, C).
        head: features, label -> :class:`DiscriminatorOutput`.
    """

    def __init__(self, backbone: nn.Module, head: nn.Module):
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(
        self,
        image: Tensor,
        label: Tensor,
        *,
        fake: bool = False,
        beside: tuple[Tensor, Tensor] | None = None,
    ) -> DiscriminatorOutput | tuple[DiscriminatorOutput, DiscriminatorOutput]:
        """What it says of a batch.

        Args:
            image: (N, 3, H, W).
            label: (N,).
            fake: whether the images are generated, which some heads must know.
            beside: image and label of fakes that go through the backbone in the same
                pass; the result is then (real, fake).
        """
        # one spectral norm iteration a pass, however often a weight is read
        with parametrize.cached():
            if beside is None:
                return self.head(self.backbone(image), label, fake=fake)
            fake_image, fake_label = beside
            features = self.backbone(torch.cat([image, fake_image]))
            real, generated = features.split([len(image), len(fake_image)])
            return (
                self.head(real, label, fake=fake),
                self.head(generated, fake_label, fake=True),
            )
