"""What every discriminator here has to see: dark pixels, which are below zero."""

import pytest
import torch
from torch import nn

from reacgan_plugin import backbones
from reacgan_plugin.backbones import (
    BigGANDeepDiscriminator,
    BigGANDiscriminator,
    ModuleDiscriminator,
    ProjectedDiscriminator,
    ResNetDiscriminator,
    StyleGAN2Discriminator,
    TimmDiscriminator,
)

RESIDUAL = dict(size=32, base_channels=4)
CASES = {
    'BigGAN': lambda: BigGANDiscriminator(**RESIDUAL),
    'BigGAN with batch norm': lambda: BigGANDiscriminator(
        **RESIDUAL, spectral_norm=False
    ),
    'BigGANDeep': lambda: BigGANDeepDiscriminator(**RESIDUAL),
    'BigGANDeep as in StudioGAN': lambda: BigGANDeepDiscriminator(
        **RESIDUAL, variant='studiogan'
    ),
    'ResNet': lambda: ResNetDiscriminator(**RESIDUAL),
    'StyleGAN2': lambda: StyleGAN2Discriminator(size=32, channel_max=8),
    'Timm': lambda: TimmDiscriminator(name='resnet10t', weights=None),
    'Projected': lambda: ProjectedDiscriminator(name='resnet10t', weights=None),
    'Module': lambda: ModuleDiscriminator(
        module='torch.nn:Conv2d', options=dict(in_channels=3, out_channels=4,
                                               kernel_size=3)
    ),
}  # fmt: skip


def test_every_discriminator_is_looked_at():
    kinds = {type(make()).__name__ for make in CASES.values()}
    assert kinds == {n for n in backbones.__all__ if n.endswith('Discriminator')}


@pytest.mark.parametrize('name', CASES)
def test_dark_pixels_have_gradients(name):
    """R17: no activation stands between an image and the first layer."""
    backbone: nn.Module = CASES[name]()
    image = (-torch.rand(4, 3, 32, 32)).requires_grad_()
    features = backbone(image)
    features = features[0] if isinstance(features, tuple) else features
    (features * torch.randn_like(features)).sum().backward()
    seen = image.grad.ne(0).flatten(1).float().mean(1)
    assert (seen > 0.9).all()
