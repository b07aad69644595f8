"""Generators of every family, as small as they come, with weights that are not tiny."""

from __future__ import annotations

import torch
from torch import nn

from reacgan_plugin.backbones import (
    BigGANDeepGenerator,
    BigGANGenerator,
    CodedGenerator,
    ResNetGenerator,
    StyleGAN2Generator,
)

CLASSES = 3


def biggan(**options):
    return BigGANGenerator(
        size=16, base_channels=2, z_dim=9, shared_dim=3, attention_at=(8,), **options
    )


def biggan_deep(**options):
    return BigGANDeepGenerator(
        size=16, base_channels=4, z_dim=5, shared_dim=3, attention_at=(), **options
    )


def resnet(**options):
    return ResNetGenerator(size=16, base_channels=2, z_dim=6, **options)


def stylegan2(**options):
    generator = StyleGAN2Generator(
        size=8, z_dim=4, w_dim=6, channel_base=64, mapping_layers=2, **options
    )
    generator.mapping.w_avg.normal_()
    return generator


def coded_biggan(**options):
    return CodedGenerator(biggan(**options), categories=2, continuous=1)


def coded_stylegan2(**options):
    return CodedGenerator(stylegan2(**options), categories=2, continuous=1)


class Foreign(nn.Module):
    """A generator of somebody else's, whose class is an embedding beside z."""

    z_dim = 4

    def __init__(self, num_classes: int = CLASSES):
        super().__init__()
        self.other = nn.Embedding(5, 4)  # of something that is not the class
        self.classes = nn.Embedding(num_classes, 4)
        self.map = nn.Linear(4, 3 * 8 * 8)

    def forward(self, z, label):
        position = self.other(torch.full_like(label, 4))
        image = self.map(z + position + self.classes(label))
        return torch.tanh(image).unflatten(1, (3, 8, 8))


FAMILIES = {
    'biggan': biggan,
    'biggan_deep': biggan_deep,
    'resnet': resnet,
    'stylegan2': stylegan2,
    'coded_biggan': coded_biggan,
    'coded_stylegan2': coded_stylegan2,
    'foreign': Foreign,
}


def made(family: str, num_classes: int | None = CLASSES):
    """A generator of the family, the same one each time."""
    torch.manual_seed(0)
    return FAMILIES[family](num_classes=num_classes)
