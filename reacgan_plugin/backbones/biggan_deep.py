"""BigGAN-deep's generator and discriminator backbone (Brock et al. 2019, appendix B).

Two variants differ in the skip paths. 'legacy' is the paper's: the generator drops
channels, the discriminator appends those of a 1 x 1 convolution. 'studiogan' has a
1 x 1 convolution of all channels in both.

Letters: N batch, Z width of z, K classes, C features, S image side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reacgan_plugin.backbones.base import ResidualDiscriminator, ResidualGenerator
from reacgan_plugin.backbones.sizes import DISCRIMINATOR_WIDTHS, Size
from reacgan_plugin.layers import ConditionalBatchNorm2d, conv2d
from reacgan_plugin.layers.overwriting import rectified
from reacgan_plugin.options import counts, one_of, whole

BOTTLENECK = 4  # channels of a block over those of its 3 x 3 convolutions
WIDTHS_AT_32 = {'legacy': (4, 4, 4, 4), 'studiogan': (1, 4, 4, 4)}


class DeepGeneratorBlock(nn.Module):
    """Bottleneck of four norms and convolutions, optionally doubling the sides; the
    skip path drops the last channels.

    Args:
        norm: channels -> a norm that is called with the features and the condition.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        norm: Callable[[int], nn.Module],
        *,
        upsample: bool,
        spectral_norm: bool = True,
    ):
        super().__init__()
        options = dict(spectral_norm=spectral_norm)
        hidden = _hidden(in_channels)
        self.out_channels = out_channels
        self.resample = 'up' if upsample else None
        self.norm1 = norm(in_channels)
        self.norm2 = norm(hidden)
        self.norm3 = norm(hidden)
        self.norm4 = norm(hidden)
        self.conv1 = conv2d(in_channels, hidden, 1, **options)
        self.conv2 = conv2d(hidden, hidden, 3, resample=self.resample, **options)
        self.conv3 = conv2d(hidden, hidden, 3, **options)
        self.conv4 = conv2d(hidden, out_channels, 1, **options)
        self.shortcut = self._shortcut(in_channels, **options)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        h = self.conv1(rectified(self.norm1(x, condition)))
        h = self.conv2(rectified(self.norm2(h, condition)))
        h = self.conv3(rectified(self.norm3(h, condition)))
        h = self.conv4(rectified(self.norm4(h, condition)))
        return h + self._skip(x)

    def _shortcut(self, in_channels: int, **options) -> nn.Module | None:
        return None

    def _skip(self, x: Tensor) -> Tensor:
        x = x[:, : self.out_channels]
        return x if self.resample is None else F.interpolate(x, scale_factor=2)


class ConvolvedGeneratorBlock(DeepGeneratorBlock):
    """The bottleneck with a 1 x 1 convolution on the skip path."""

    def _shortcut(self, in_channels: int, **options) -> nn.Module:
        return conv2d(
            in_channels, self.out_channels, 1, resample=self.resample, **options
        )

    def _skip(self, x: Tensor) -> Tensor:
        return self.shortcut(x)


class DeepDiscriminatorBlock(nn.Module):
    """Bottleneck of four convolutions, optionally halving the sides; the skip path
    appends the channels of a 1 x 1 convolution where there are more behind it.

    In the published runs an in-place ReLU activated the input of the skip path too.
    """

    averages_first = False  # then activates, between the last two convolutions

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        downsample: bool,
        spectral_norm: bool = True,
    ):
        super().__init__()
        options = dict(spectral_norm=spectral_norm)
        hidden = _hidden(out_channels)
        self.downsample = downsample
        resample = 'down' if downsample else None
        third, fourth = (resample, None) if self.averages_first else (None, resample)
        self.conv1 = conv2d(in_channels, hidden, 1, **options)
        self.conv2 = conv2d(hidden, hidden, 3, **options)
        self.conv3 = conv2d(hidden, hidden, 3, resample=third, **options)
        self.conv4 = conv2d(hidden, out_channels, 1, resample=fourth, **options)
        self.shortcut = self._shortcut(in_channels, out_channels, **options)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        h = self.conv2(F.relu(self.conv1(x)))
        h = self.conv4(F.relu(self.conv3(F.relu(h))))
        x = self._pool(x)
        return h + (x if self.shortcut is None else self._skip(x))

    def _shortcut(
        self, in_channels: int, out_channels: int, **options
    ) -> nn.Module | None:
        added = out_channels - in_channels
        return conv2d(in_channels, added, 1, **options) if added else None

    def _skip(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.shortcut(x)], dim=1)

    def _pool(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 2) if self.downsample else x


class ConvolvedDiscriminatorBlock(DeepDiscriminatorBlock):
    """The bottleneck with a 1 x 1 convolution on a skip path that changes anything,
    and pooling before the last activation."""

    averages_first = True

    def _shortcut(
        self, in_channels: int, out_channels: int, **options
    ) -> nn.Module | None:
        changes = self.downsample or in_channels != out_channels
        return conv2d(in_channels, out_channels, 1, **options) if changes else None

    def _skip(self, x: Tensor) -> Tensor:
        # averaging and a 1 x 1 convolution commute, and this order is cheaper
        return self.shortcut(x)


GENERATOR_BLOCKS = {'legacy': DeepGeneratorBlock, 'studiogan': ConvolvedGeneratorBlock}
DISCRIMINATOR_BLOCKS = {
    'legacy': DeepDiscriminatorBlock,
    'studiogan': ConvolvedDiscriminatorBlock,
}


class BigGANDeepGenerator(ResidualGenerator):
    """z and a class make an image, both entering whole at the start and every block.

    Args:
        size: S, or (H, W); see :mod:`reacgan_plugin.backbones.sizes`.
        num_classes: K; None for a generator without labels.
        base_channels: channel unit, multiplied by the table's widths.
        z_dim: Z.
        shared_dim: width of the class embedding that all blocks share.
        attention_at: short sides of features after whose blocks self-attention follows.
        depth: blocks at each resolution; the last one doubles the sides.
        variant: 'legacy' or 'studiogan', of the skip paths.
        spectral_norm: normalise every convolution and linear map but the embedding.
        image_channels: 3, or 1 for grey images.

    Shapes: z (N, Z), label (N,) -> image (N, 3, H, W), or of other channels, in
    [-1, 1].
    Raises: ValueError for a size, depth, variant or attention that does not fit, and
    for z or labels of the wrong shape.
    """

    def __init__(
        self,
        *,
        size: Size = 32,
        num_classes: int | None = 10,
        base_channels: int = 128,
        z_dim: int = 128,
        shared_dim: int = 128,
        attention_at: Sequence[int] = (16,),
        depth: int = 2,
        variant: str = 'legacy',
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
        whole('depth', depth, above=0)
        condition_dim = z_dim + self._add_class_embedding(shared_dim)
        options = dict(spectral_norm=spectral_norm)
        norm = partial(ConditionalBatchNorm2d, condition_dim=condition_dim, **options)
        kind = GENERATOR_BLOCKS[one_of('variant', variant, GENERATOR_BLOCKS)]
        block = partial(kind, norm=norm, **options)

        def stage(wide, narrow):
            plain = [block(wide, wide, upsample=False) for _ in range(depth - 1)]
            return [*plain, block(wide, narrow, upsample=True)]

        self._build(
            stage, input_dim=condition_dim, attention_at=attention_at, **options
        )

    def _inputs(self, z: Tensor, label: Tensor | None):
        (condition,) = self._beside_class([z], label)
        return condition, repeat((condition,))


class BigGANDeepDiscriminator(ResidualDiscriminator):
    """The backbone of BigGAN-deep's discriminator: image -> sum-pooled features.

    Args:
        size: S, or (H, W); see :mod:`reacgan_plugin.backbones.sizes`.
        base_channels: channel unit, multiplied by the table's widths.
        attention_at: short sides of features after whose blocks self-attention follows.
        depth: blocks at each resolution; the first one halves the sides.
        variant: 'legacy' or 'studiogan', of the skip paths.
        spectral_norm: normalise every convolution.
        image_channels: 3, or 1 for grey images.

    Shapes: image (N, 3, H, W), or of other channels, in [-1, 1] -> (N, C); C is
    ``out_channels``.
    Raises: ValueError for a size, depth, variant or attention that does not fit, and
    images of another size.
    """

    def __init__(
        self,
        *,
        size: Size = 32,
        base_channels: int = 128,
        attention_at: Sequence[int] = (16,),
        depth: int = 2,
        variant: str = 'legacy',
        spectral_norm: bool = True,
        image_channels: int = 3,
    ):
        super().__init__(size=size, image_channels=image_channels)
        whole('depth', depth, above=0)
        counts(base_channels=base_channels)
        options = dict(spectral_norm=spectral_norm)
        kind = DISCRIMINATOR_BLOCKS[one_of('variant', variant, DISCRIMINATOR_BLOCKS)]
        block = partial(kind, **options)

        def stage(index, before, after):
            halves = index < len(self.feature_sides)
            plain = (block(after, after, downsample=False) for _ in range(depth - 1))
            return [block(before, after, downsample=halves), *plain]

        short = min(self.image_sides)
        widths = WIDTHS_AT_32[variant] if short <= 32 else DISCRIMINATOR_WIDTHS[short]
        channels = [base_channels * width for width in widths]
        self.input = conv2d(image_channels, channels[0], 3, **options)
        self._build(stage, channels, attention_at=attention_at, **options)


def _hidden(channels: int) -> int:
    if channels < BOTTLENECK:
        raise ValueError(
            f'a bottleneck of {channels} channels; allowed: {BOTTLENECK} or more, by a '
            'larger base_channels'
        )
    return channels // BOTTLENECK
