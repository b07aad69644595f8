"""BigGAN's generator and discriminator backbone (Brock et al. 2019, appendix B).

Letters: N batch, Z width of z, K classes, C features, S image side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from reacgan_plugin.backbones.base import ResidualDiscriminator, ResidualGenerator
from reacgan_plugin.backbones.sizes import DISCRIMINATOR_WIDTHS, Size
from reacgan_plugin.layers import ConditionalBatchNorm2d, batch_norm, conv2d
from reacgan_plugin.layers.overwriting import added, rectified
from reacgan_plugin.options import counts


class GeneratorBlock(nn.Module):
    """Residual block that doubles the sides: two norms and convolutions.

    Args:
        norm: channels -> a norm that is called with the features and the condition.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        norm: Callable[[int], nn.Module],
        *,
        spectral_norm: bool = True,
    ):
        super().__init__()
        options = dict(spectral_norm=spectral_norm)
        self.norm1 = norm(in_channels)
        self.norm2 = norm(out_channels)
        doubling = dict(resample='up', **options)
        self.conv1 = conv2d(in_channels, out_channels, 3, **doubling)
        self.conv2 = conv2d(out_channels, out_channels, 3, **options)
        self.shortcut = conv2d(in_channels, out_channels, 1, **doubling)

    def forward(self, x: Tensor, *condition: Tensor) -> Tensor:
        h = self.conv1(rectified(self.norm1(x, *condition)))
        h = rectified(self.norm2(h, *condition))
        # bound to h, so that its input is free before there is a skip path
        h = self.conv2(h)
        return added(h, self.shortcut(x))


class BigGANGenerator(ResidualGenerator):
    """z and a class make an image, one chunk of z entering at each block.

    Args:
        size: S, or (H, W); see :mod:`reacgan_plugin.backbones.sizes`.
        num_classes: K; None for a generator without labels.
        base_channels: channel unit, multiplied by the table's widths.
        z_dim: Z; a multiple of the number of blocks plus one.
        shared_dim: width of the class embedding that all blocks share.
        attention_at: short sides of features after whose block self-attention follows.
        spectral_norm: normalise every convolution and linear map but the embedding.
        image_channels: 3, or 1 for grey images.

    Shapes: z (N, Z), label (N,) -> image (N, 3, H, W), or of other channels, in
    [-1, 1].
    Raises: ValueError for a size, z_dim or attention that does not fit, and for z or
    labels of the wrong shape.
    """

    def __init__(
        self,
        *,
        size: Size = 32,
        num_classes: int | None = 10,
        base_channels: int = 96,
        z_dim: int = 80,
        shared_dim: int = 128,
        attention_at: Sequence[int] = (16,),
        spectral_norm: bool = True,
        image_channels: int = 3,
    ):
        super().__init__(
            size=size,
            num_classes=num_classes,
            base_channels=base_channels,
            z_dim=z_dim,
            image_channels=image_channels,
        )
        self.chunk = _chunk(z_dim, len(self.feature_sides) + 1)
        condition_dim = self.chunk + self._add_class_embedding(shared_dim)
        options = dict(spectral_norm=spectral_norm)
        norm = partial(ConditionalBatchNorm2d, condition_dim=condition_dim, **options)

        def stage(wide, narrow):
            return [GeneratorBlock(wide, narrow, norm, **options)]

        self._build(stage, input_dim=self.chunk, attention_at=attention_at, **options)

    def _inputs(self, z: Tensor, label: Tensor | None):
        first, *chunks = z.split(self.chunk, dim=1)
        return first, ((part,) for part in self._beside_class(chunks, label))


class DiscriminatorBlock(nn.Module):
    """Residual block; without spectral norm it has batch norms instead.

    Args:
        first: of the network: its input is an image, which goes into the first
            convolution without norm and activation.
        downsample: halve the sides by averaging.

    In the published runs an in-place ReLU, where no norm stood before it, activated
    the input of the skip path too. Their weights need it, so it is spelled out here.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        downsample: bool,
        first: bool = False,
        spectral_norm: bool = True,
    ):
        super().__init__()
        options = dict(spectral_norm=spectral_norm)
        norm = _no_norm if spectral_norm else batch_norm
        self.downsample = downsample
        self.first = first
        self.activated_skip = spectral_norm and not first
        self.norm1 = _no_norm(in_channels) if first else norm(in_channels)
        self.norm2 = norm(out_channels)
        self.conv1 = conv2d(in_channels, out_channels, 3, **options)
        resample = 'down' if downsample else None
        self.conv2 = conv2d(out_channels, out_channels, 3, resample=resample, **options)
        self.shortcut = None
        if first or downsample or in_channels != out_channels:
            self.shortcut_norm = norm(in_channels)
            self.shortcut = conv2d(in_channels, out_channels, 1, **options)

    def forward(self, x: Tensor) -> Tensor:
        h = x if self.first else F.relu(self.norm1(x))
        skip = self._skip(h if self.activated_skip else x)
        return self.conv2(F.relu(self.norm2(self.conv1(h)))) + skip

    def _skip(self, x: Tensor) -> Tensor:
        if self.shortcut is None:
            return x
        # averaging and a 1 x 1 convolution commute, and this order is cheaper; batch
        # norm commutes with neither, so it stays where the published networks have it
        if self.first:
            return self.shortcut(self.shortcut_norm(self._pool(x)))
        return self.shortcut(self._pool(self.shortcut_norm(x)))

    def _pool(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 2) if self.downsample else x


class BigGANDiscriminator(ResidualDiscriminator):
    """The backbone of BigGAN's discriminator: image -> sum-pooled features.

    Args:
        size: S, or (H, W); see :mod:`reacgan_plugin.backbones.sizes`.
        base_channels: channel unit, multiplied by the table's widths.
        attention_at: short sides of features after whose block self-attention follows.
        spectral_norm: normalise every convolution; False: batch norms in the blocks.
        image_channels: 3, or 1 for grey images.

    Shapes: image (N, 3, H, W), or of other channels, in [-1, 1] -> (N, C); C is
    ``out_channels``.
    Raises: ValueError for a size that is not prepared, attention that does not fit,
    and images of another size.
    """

    def __init__(
        self,
        *,
        size: Size = 32,
        base_channels: int = 96,
        attention_at: Sequence[int] = (16,),
        spectral_norm: bool = True,
        image_channels: int = 3,
    ):
        super().__init__(size=size, image_channels=image_channels)
        counts(base_channels=base_channels)
        options = dict(spectral_norm=spectral_norm)

        def stage(index, before, after):
            halves = index < len(self.feature_sides)
            first = index == 0
            block = DiscriminatorBlock(
                before, after, downsample=halves, first=first, **options
            )
            return [block]

        widths = DISCRIMINATOR_WIDTHS[min(self.image_sides)]
        channels = [image_channels, *(base_channels * width for width in widths)]
        self._build(stage, channels, attention_at=attention_at, **options)


def _no_norm(channels: int) -> nn.Module:
    return nn.Identity()


def _chunk(z_dim: int, parts: int) -> int:
    """Width of z's equal parts; ValueError naming the nearest widths that divide."""
    if z_dim > 0 and z_dim % parts == 0:
        return z_dim // parts
    nearest = [n * parts for n in (z_dim // parts, z_dim // parts + 1) if n > 0]
    raise ValueError(
        f'z_dim={z_dim} does not split into {parts} equal chunks (one for the input, '
        f'one for each block); nearest: {" or ".join(map(str, nearest))}'
    )
