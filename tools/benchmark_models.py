"""Models at 32 x 32 with D2D-CE, and what their updates need."""

from __future__ import annotations

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn
from torch.nn import functional as F

from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.layers.folded_conv import PooledConv2d, UpsampledConv2d

CLASSES, Z_DIM, SIZE = 10, 80, 32


def biggan(width: int, **options) -> ConditionalGAN:
    """The model of the CIFAR-10 configs in any width, its weights always the same."""
    torch.manual_seed(0)
    common = dict(size=SIZE, base_channels=width, attention_at=(16,))
    return ConditionalGAN(
        dict(type='BigGANGenerator', z_dim=Z_DIM, shared_dim=128, **common),
        dict(type='BigGANDiscriminator', **common),
        dict(type='D2DCE'),
        num_classes=CLASSES,
        **options,
    ).train()


def resampling_apart(gan: ConditionalGAN) -> ConditionalGAN:
    """Every map is doubled or halved beside its convolution, as published code does."""
    for layer in gan.modules():
        if isinstance(layer, UpsampledConv2d):
            layer.forward = lambda x, conv=layer: _convolved(
                conv, F.interpolate(x, scale_factor=2)
            )
        elif isinstance(layer, PooledConv2d):
            layer.forward = lambda x, conv=layer: F.avg_pool2d(_convolved(conv, x), 2)
    return gan


def _convolved(conv: nn.Conv2d, x: Tensor) -> Tensor:
    return F.conv2d(x, conv.weight, conv.bias, padding=conv.padding)


def stylegan2(**options) -> ConditionalGAN:
    """The model of the CIFAR-10 configs with an eighth of its channels."""
    torch.manual_seed(0)
    common = dict(size=SIZE, channel_base=4096)
    return ConditionalGAN(
        dict(type='StyleGAN2Generator', z_dim=Z_DIM, mapping_layers=2, **common),
        dict(type='StyleGAN2Discriminator', **common),
        dict(type='D2DCE'),
        num_classes=CLASSES,
        adversarial_loss=dict(type='Logistic'),
        **options,
    ).train()


def without_batch_statistics(gan: ConditionalGAN) -> ConditionalGAN:
    """With running ones in the generator: those of a batch depend on how it is cut."""
    gan.generator.eval()
    return gan


def optimizers(model: nn.Module, lr: float = 2e-4) -> OptimWrapperDict:
    """Adam for each network; lr 0 leaves weights as they are."""
    return OptimWrapperDict(
        **{
            name: OptimWrapper(torch.optim.Adam(network.parameters(), lr, (0.0, 0.999)))
            for name, network in networks(model).items()
        }
    )


def networks(model: nn.Module) -> dict[str, nn.Module]:
    return dict(generator=model.generator, discriminator=model.discriminator)


def rows_of(batch: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
    """Images in [-1, 1], labels, z and labels of fakes: an update's rows, on the CPU
    as a loader gives them."""
    random = torch.Generator().manual_seed(0)
    image = torch.rand(batch, 3, SIZE, SIZE, generator=random) * 2 - 1
    label, fake_label = torch.randint(CLASSES, (2, batch), generator=random)
    z = torch.randn(batch, Z_DIM, generator=random)
    return image.to(dtype), label, z.to(dtype), fake_label


def gradients(network: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in network.named_parameters()}


def parameter_count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())
