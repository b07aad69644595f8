"""Models of a training step small enough to be checked by hand."""

from __future__ import annotations

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from reacgan_plugin.backbones import BigGANDiscriminator, BigGANGenerator
from reacgan_plugin.conditioning import AC
from reacgan_plugin.data.preprocess import ImagePreprocessor
from reacgan_plugin.gan.adversarial import Hinge
from reacgan_plugin.gan.model import ConditionalGAN

NETWORKS = ('generator', 'discriminator')
CLASSES, Z_DIM, SIZE = 3, 4, 8


class PlainGenerator(nn.Module):
    """One linear map to images of 8 x 8, without batch statistics."""

    z_dim = Z_DIM

    def __init__(self):
        super().__init__()
        self.classes = nn.Embedding(CLASSES, Z_DIM)
        self.map = nn.Linear(Z_DIM, 3 * SIZE * SIZE)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        image = self.map(z + self.classes(label)).unflatten(1, (3, SIZE, SIZE))
        return torch.tanh(image)


class PlainBackbone(nn.Module):
    """One convolution, summed over positions, without batch statistics."""

    out_channels = 6

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)

    def forward(self, image: Tensor) -> Tensor:
        return torch.relu(self.conv(image)).mean((2, 3))


def plain_gan(loss=None, generator=None, **options) -> ConditionalGAN:
    """A model without batch statistics, spectral norm or look-ups in a registry."""
    loss = loss or AC(loss_weight=0.5, spectral_norm=False)
    generator = generator or PlainGenerator()
    return _gan(generator, PlainBackbone(), loss, **options)


def biggan(loss=None, spectral_norm=True, **options) -> ConditionalGAN:
    """A BigGAN of the least width, for images of 32 x 32."""
    widths = dict(base_channels=4, spectral_norm=spectral_norm)
    generator = BigGANGenerator(
        num_classes=CLASSES, z_dim=Z_DIM, shared_dim=2, **widths
    )
    return _gan(generator, BigGANDiscriminator(**widths), loss or AC(), **options)


def _gan(generator, backbone, loss, **options) -> ConditionalGAN:
    parts = dict(adversarial_loss=Hinge(), data_preprocessor=ImagePreprocessor())
    return ConditionalGAN(
        generator, backbone, loss, num_classes=CLASSES, **{**parts, **options}
    )


def optimizers(model: ConditionalGAN, lr: float = 0.1) -> OptimWrapperDict:
    """Gradient descent for both networks; lr 0 leaves the gradients to look at."""
    return OptimWrapperDict(
        **{
            name: OptimWrapper(torch.optim.SGD(getattr(model, name).parameters(), lr))
            for name in NETWORKS
        }
    )


def batch(rows: int = 4, size: int = SIZE, seed: int = 0) -> dict[str, Tensor]:
    """Real images in [-1, 1] and labels."""
    random = torch.Generator().manual_seed(seed)
    image = torch.rand(rows, 3, size, size, generator=random) * 2 - 1
    return dict(image=image, label=torch.arange(rows) % CLASSES)


def latents(rows: int = 4, seed: int = 0) -> tuple[Tensor, Tensor]:
    """z and labels of fakes."""
    random = torch.Generator().manual_seed(seed)
    z = torch.randn(rows, Z_DIM, generator=random)
    return z, torch.randint(CLASSES, (rows,), generator=random)


def gradients(module: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in module.named_parameters()}


def state(module: nn.Module) -> dict[str, Tensor]:
    """Copies of all tensors of a state dict."""
    return {
        name: value.clone()
        for name, value in module.state_dict().items()
        if isinstance(value, Tensor)
    }


def changed(before: dict[str, Tensor], module: nn.Module) -> set[str]:
    """Names of tensors of a state dict that are no longer the same, to the bit."""
    after = state(module)
    return {name for name in before if not torch.equal(before[name], after[name])}
