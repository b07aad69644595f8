"""A backbone and a head as one module, which DDP, optimizer and checkpoint see."""

from __future__ import annotations

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
        self, image: Tensor, label: Tensor, *, fake: bool = False
    ) -> DiscriminatorOutput:
        # one spectral norm iteration a pass, however often a weight is read
        with parametrize.cached():
            return self.head(self.backbone(image), label, fake=fake)
