"""Discriminators as other people write them, tiny: none knows of this library."""

from __future__ import annotations

import torch
from tiny_methods import METHODS, discriminator_objective, latent
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, spectral_norm

from reacgan_plugin.gan.conditioned import Conditioned

SIZE, CLASSES, ROWS = 16, 3, 8


def untouched(module: nn.Module) -> nn.Module:
    return module


def dcgan(end: type = nn.Flatten, normalised=untouched, norm=nn.BatchNorm2d):
    """One number an image by a last convolution, tapped at ``'5'``."""
    return nn.Sequential(
        normalised(nn.Conv2d(3, 4, 4, 2, 1)),
        nn.LeakyReLU(0.2, inplace=True),
        normalised(nn.Conv2d(4, 6, 4, 2, 1, bias=False)),
        norm(6),
        nn.LeakyReLU(0.2, inplace=True),
        normalised(nn.Conv2d(6, 1, 4, bias=False)),
        end(),
    )


class EqualisedLinear(nn.Module):
    """As forks of StyleGAN2 have it: a weight (out, in), scaled at run time."""

    def __init__(self, in_dim: int, out_dim: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_dim, in_dim))

    def forward(self, x):
        return F.linear(x, self.weight * self.weight.shape[1] ** -0.5)


class StyleGAN2(nn.Module):
    """A convolution, a linear layer ``fc`` and the last one ``out``; with ``c``, a
    conditional one, which takes a number a sample beside the image."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 4, 4)
        self.fc = EqualisedLinear(4 * (SIZE // 4) ** 2, 6)
        self.out = EqualisedLinear(6, 1)

    def forward(self, image, c=0.0):
        x = F.leaky_relu(self.conv(image), 0.2).flatten(1)
        return self.out(F.leaky_relu(self.fc(x), 0.2)) + c


def resnet18(num_classes: int = 1):
    from torchvision.models import resnet18

    return resnet18(num_classes=num_classes)


def resnet10t():
    import timm

    return timm.create_model('resnet10t', num_classes=1, drop_path_rate=0.0)


def vit():
    import timm

    return timm.create_model(
        'vit_tiny_patch16_224', num_classes=1, img_size=SIZE, patch_size=4, depth=2
    )


FOREIGN = {  # and the layer whose input is tapped, with its number of channels
    'DCGAN': (dcgan, '5', 6),
    'DCGAN with a sigmoid': (lambda: dcgan(nn.Sigmoid), '5', 6),
    'SNGAN, hooks': (lambda: dcgan(normalised=spectral_norm), '5', 6),
    'SNGAN, parametrizations': (
        lambda: dcgan(normalised=parametrizations.spectral_norm),
        '5',
        6,
    ),
    'StyleGAN2': (StyleGAN2, 'out', 6),
    'torchvision ResNet': (resnet18, 'fc', 512),
    'timm ResNet': (resnet10t, 'fc', 512),
    'timm ViT': (vit, 'head', 192),
}

PARALLEL = ('Unconditional', 'D2DCE', 'MD')  # of MD the head's layer gives the logit


def batch(seed: int = 0):
    """Images (N, 3, S, S), fakes, labels (N,)."""
    random = torch.Generator().manual_seed(seed)
    image, fake = torch.randn(2, ROWS, 3, SIZE, SIZE, generator=random)
    return image, fake, torch.randint(CLASSES, (ROWS,), generator=random)


def refusal_of_a_wrapped_one() -> str:
    """What Conditioned says of a discriminator that DDP is around already."""
    wrapped = nn.parallel.DistributedDataParallel(dcgan())
    try:
        Conditioned(wrapped, METHODS['AC'](), CLASSES, layer='module.5')
    except ValueError as error:
        return str(error)
    return ''


def gradients(method: str, rank: int = 0, world_size: int = 1) -> dict:
    """Of a discriminator after two backward passes by this rank's rows; the second
    would wait for parameters that the first one left unused."""
    torch.manual_seed(0)
    loss = METHODS[method]()
    module = Conditioned(dcgan(norm=nn.Identity), loss, CLASSES, layer='5')
    called = module
    if world_size > 1:
        called = nn.parallel.DistributedDataParallel(module)
    own = slice(rank * ROWS // world_size, (rank + 1) * ROWS // world_size)
    image, fake, label = (rows[own] for rows in batch())
    for _ in range(2):
        module.zero_grad()
        fakes = called(fake, label, fake=True)._replace(z=latent(label))
        discriminator_objective(loss, called(image, label), fakes).backward()
    return {k: p.grad for k, p in module.named_parameters() if p.grad is not None}
