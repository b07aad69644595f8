"""Gradients of discriminators by other ways, and a discriminator that has none."""

from __future__ import annotations

import torch
from tiny_gan import CLASSES
from torch import Tensor, nn

from reacgan_plugin.conditioning import AC
from reacgan_plugin.gan.discriminator import Discriminator


def by_differences(
    discriminator: nn.Module, image: Tensor, label: Tensor, step: float = 1e-3
) -> Tensor:
    """|d D / d x|^2 of one image, one pixel after another."""
    total = 0
    for index in range(image.numel()):
        shift = torch.zeros(image.numel()).double()
        shift[index] = step
        pair = torch.stack([image + s * shift.view_as(image) for s in (1, -1)])
        up, down = discriminator(pair, label.expand(2)).logits
        total += ((up - down) / (2 * step)) ** 2
    return total


class Flat(nn.Module):
    """Features that do not depend on the image but for a factor of zero."""

    out_channels = 2

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, image: Tensor) -> Tensor:
        return self.gain * image.flatten(1)[:, :2]


def flat_discriminator() -> Discriminator:
    """A discriminator without a slope."""
    return Discriminator(Flat(), AC(spectral_norm=False).build_head(2, CLASSES))
