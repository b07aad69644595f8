"""BigGAN's generator and discriminator backbone (Brock et al. 2019, appendix B).

Letters: N batch, Z width of z, K classes, C features, S image side.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from reacgan_plugin.backbones.biggan_sizes import (
    DISCRIMINATOR_WIDTHS,
    DOWNSAMPLES,
    GENERATOR_WIDTHS,
    sizes_entry,
)
from reacgan_plugin.functional.labels import check_label
from reacgan_plugin.layers import (
    ConditionalBatchNorm2d,
    SelfAttention,
    batch_norm,
    conv2d,
    embedding,
    linear,
)

START_SIZE = 4


class GeneratorBlock(nn.Module):
    """Residual block: two conditional norms and convolutions, optionally doubling."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        condition_dim: int,
        *,
        upsample: bool = True,
        spectral_norm: bool = True,
    ):
        super().__init__()
        options = dict(spectral_norm=spectral_norm)
        self.scale = 2 if upsample else 1
        self.norm1 = ConditionalBatchNorm2d(in_channels, condition_dim, **options)
        self.norm2 = ConditionalBatchNorm2d(out_channels, condition_dim, **options)
        self.conv1 = conv2d(in_channels, out_channels, 3, **options)
        self.conv2 = conv2d(out_channels, out_channels, 3, **options)
        self.shortcut = conv2d(in_channels, out_channels, 1, **options)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        h = self._upsample(F.relu(self.norm1(x, condition)))
        h = F.relu(self.norm2(self.conv1(h), condition))
        # a 1 x 1 convolution and nearest upsampling commute; this order is cheaper
        return self.conv2(h) + self._upsample(self.shortcut(x))

    def _upsample(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=self.scale) if self.scale > 1 else x


class BigGANGenerator(nn.Module):
    """z and a class make an image, one chunk of z entering at each block.

    Args:
        size: S, one of 32, 64, 128, 256, 512.
        num_classes: K; None for a generator without labels.
        base_channels: channel unit, multiplied by the table's widths.
        z_dim: Z; a multiple of the number of blocks plus one.
        shared_dim: width of the class embedding that all blocks share.
        attention_at: feature sizes after whose block self-attention follows.
        depth: blocks at each resolution; those after the first do not resize.
        spectral_norm: normalise every convolution and linear map but the embedding.

    Shapes: z (N, Z), label (N,) -> image (N, 3, S, S) in [-1, 1].
    Raises: ValueError for a size, z_dim or attention that does not fit, and for z or
    labels of the wrong shape.
    """

    def __init__(
        self,
        *,
        size: int = 32,
        num_classes: int | None = 10,
        base_channels: int = 96,
        z_dim: int = 80,
        shared_dim: int = 128,
        attention_at: Sequence[int] = (16,),
        depth: int = 1,
        spectral_norm: bool = True,
    ):
        super().__init__()
        widths = [base_channels * w for w in sizes_entry(GENERATOR_WIDTHS, size)]
        stages = len(widths) - 1
        sides = [START_SIZE * 2 ** (stage + 1) for stage in range(stages)]
        _check_attention(attention_at, sides)
        self.size, self.num_classes, self.z_dim = size, num_classes, z_dim
        self.chunk = _chunk(z_dim, stages * depth + 1)
        condition_dim = self.chunk
        if num_classes is not None:
            # the reference leaves this one weight without spectral norm
            self.class_embedding = embedding(
                num_classes, shared_dim, spectral_norm=False
            )
            condition_dim += shared_dim
        options = dict(spectral_norm=spectral_norm)
        self.input = linear(self.chunk, widths[0] * START_SIZE**2, **options)
        self.blocks = nn.ModuleList()
        for stage, (wide, narrow) in enumerate(pairwise(widths)):
            for step in range(depth):
                block = GeneratorBlock(
                    wide if step == 0 else narrow,
                    narrow,
                    condition_dim,
                    upsample=step == 0,
                    **options,
                )
                self.blocks.append(block)
            if sides[stage] in attention_at:
                self.blocks.append(SelfAttention(narrow, **options))
        self.norm = batch_norm(widths[-1])
        self.output = conv2d(widths[-1], 3, 3, **options)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        with parametrize.cached():
            return self._synthesise(z, label)

    def _synthesise(self, z: Tensor, label: Tensor | None) -> Tensor:
        if z.shape[1:] != (self.z_dim,):
            raise ValueError(
                f'z has shape {tuple(z.shape)}; allowed: (N, {self.z_dim})'
            )
        first, *chunks = z.split(self.chunk, dim=1)
        if self.num_classes is not None:
            if label is None:
                raise ValueError('this generator is conditional and needs labels')
            check_label(label, len(z), self.num_classes)
            shared = self.class_embedding(label.long())
            chunks = [torch.cat([shared, chunk], dim=1) for chunk in chunks]
        x = self.input(first).unflatten(1, (-1, START_SIZE, START_SIZE))
        conditions = iter(chunks)
        for block in self.blocks:
            if isinstance(block, SelfAttention):
                x = block(x)
            else:
                x = block(x, next(conditions))
        return torch.tanh(self.output(F.relu(self.norm(x))))


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
        self.conv2 = conv2d(out_channels, out_channels, 3, **options)
        self.shortcut = None
        if first or downsample or in_channels != out_channels:
            self.shortcut_norm = norm(in_channels)
            self.shortcut = conv2d(in_channels, out_channels, 1, **options)

    def forward(self, x: Tensor) -> Tensor:
        h = x if self.first else F.relu(self.norm1(x))
        skip = self._skip(h if self.activated_skip else x)
        h = self.conv2(F.relu(self.norm2(self.conv1(h))))
        return self._pool(h) + skip

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


class BigGANDiscriminator(nn.Module):
    """The backbone of BigGAN's discriminator: image -> sum-pooled features.

    Args:
        size: S, one of 32, 64, 128, 256, 512.
        base_channels: channel unit, multiplied by the table's widths.
        attention_at: feature sizes after whose block self-attention follows.
        depth: blocks at each resolution; those after the first do not resize.
        spectral_norm: normalise every convolution; False: batch norms in the blocks.

    Shapes: image (N, 3, S, S) in [-1, 1] -> (N, C); C is ``out_channels``.
    Raises: ValueError for a size that is not prepared, attention that does not fit,
    and images of another size.
    """

    def __init__(
        self,
        *,
        size: int = 32,
        base_channels: int = 96,
        attention_at: Sequence[int] = (16,),
        depth: int = 1,
        spectral_norm: bool = True,
    ):
        super().__init__()
        widths = [base_channels * w for w in sizes_entry(DISCRIMINATOR_WIDTHS, size)]
        sides = [size // 2 ** (stage + 1) for stage in range(DOWNSAMPLES[size])]
        _check_attention(attention_at, sides)
        self.size, self.out_channels = size, widths[-1]
        options = dict(spectral_norm=spectral_norm)
        self.blocks = nn.Sequential()
        for stage, (before, after) in enumerate(pairwise([3, *widths])):
            downsample = stage < len(sides)
            for step in range(depth):
                block = DiscriminatorBlock(
                    before if step == 0 else after,
                    after,
                    downsample=downsample and step == 0,
                    first=stage == step == 0,
                    **options,
                )
                self.blocks.append(block)
            if downsample and sides[stage] in attention_at:
                self.blocks.append(SelfAttention(after, **options))

    def forward(self, image: Tensor) -> Tensor:
        if image.shape[2:] != (self.size, self.size):
            raise ValueError(
                f'images have {tuple(image.shape[2:])} pixels, the discriminator was '
                f'built for {self.size} x {self.size}'
            )
        return F.relu(self.blocks(image)).sum(dim=(2, 3))


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


def _check_attention(attention_at: Sequence[int], sizes: Sequence[int]) -> None:
    """Attention can only follow a block whose features have that size."""
    for size in attention_at:
        if size not in sizes:
            raise ValueError(
                f'attention_at has {size}; features after blocks have the sides '
                f'{", ".join(map(str, sizes))}'
            )
