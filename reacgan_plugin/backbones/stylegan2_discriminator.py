"""The backbone of StyleGAN2's discriminator (Karras et al. 2020, section 4.1).

Letters: N batch, C features.
"""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor, nn

from reacgan_plugin.backbones.sizes import (
    Size,
    as_size,
    check_image,
    doubled_sides,
    prepared_sides,
)
from reacgan_plugin.backbones.stylegan2_layers import EqualisedLayers
from reacgan_plugin.backbones.stylegan2_widths import channels_at
from reacgan_plugin.layers.equalised import EqualisedConv2d, EqualisedLinear
from reacgan_plugin.layers.minibatch_stddev import MinibatchStddev
from reacgan_plugin.layers.resample import blur_filter, downsample
from reacgan_plugin.options import counts, in_range, one_of, whole

ARCHITECTURES = ('resnet', 'orig', 'skip')


class DiscriminatorBlock(nn.Module):
    """Two convolutions at one resolution, the second of which halves it.

    Args:
        in_channels: of the features; the first block makes as many of the image.
        out_channels: of the halved features.
        architecture: ``'resnet'`` adds a halved skip path; ``'skip'`` adds what it
            sees in the halved image of its resolution; ``'orig'`` neither.
        first: of the network: it gets the image alone.
        clamp: largest magnitude of every layer's output; None: no limit.
        image_channels: of the image, here and below 3.

    Shapes: features (N, in, H, W) or None, image (N, 3, H, W) -> features
    (N, out, H / 2, W / 2) and the image for the next block.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        architecture: str,
        first: bool,
        clamp: float | None = None,
        image_channels: int = 3,
    ):
        super().__init__()
        options = dict(activation=True, clamp=clamp)
        residual = architecture == 'resnet'
        # two paths of unit variance sum to one again
        gain = math.sqrt(0.5) if residual else 1.0
        self.halves_image = architecture == 'skip'
        self.fromrgb = self.skip = None
        if first or self.halves_image:
            self.fromrgb = EqualisedConv2d(image_channels, in_channels, 1, **options)
        if residual:
            self.skip = EqualisedConv2d(
                in_channels, out_channels, 1, bias=False, resample='down', gain=gain
            )
        self.conv0 = EqualisedConv2d(in_channels, in_channels, 3, **options)
        self.conv1 = EqualisedConv2d(
            in_channels, out_channels, 3, resample='down', gain=gain, **options
        )
        self.register_buffer('resample_filter', blur_filter())

    def forward(self, x: Tensor | None, image: Tensor) -> tuple[Tensor, Tensor]:
        x = _with_image(x, image, self.fromrgb)
        if self.halves_image:
            image = downsample(image, self.resample_filter)
        h = self.conv1(self.conv0(x))
        return (h if self.skip is None else h + self.skip(x)), image


class Epilogue(nn.Module):
    """The last features, at the smallest resolution -> (N, C).

    Args:
        channels: C, of the features before and after.
        positions: H x W of the features.
        architecture: as in :class:`DiscriminatorBlock`.
        stddev_group, stddev_channels: of the minibatch standard deviation.
        clamp: largest magnitude of the convolution's output; None: no limit.
        image_channels: of the image.
    """

    def __init__(
        self,
        channels: int,
        positions: int,
        *,
        architecture: str,
        stddev_group: int,
        stddev_channels: int,
        clamp: float | None = None,
        image_channels: int = 3,
    ):
        super().__init__()
        options = dict(activation=True, clamp=clamp)
        self.fromrgb = None
        if architecture == 'skip':
            self.fromrgb = EqualisedConv2d(image_channels, channels, 1, **options)
        _check_shares(channels, stddev_channels)
        self.stddev = nn.Identity()
        if stddev_channels:
            self.stddev = MinibatchStddev(group=stddev_group, channels=stddev_channels)
        self.conv = EqualisedConv2d(channels + stddev_channels, channels, 3, **options)
        self.fc = EqualisedLinear(channels * positions, channels, activation=True)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        x = self.stddev(_with_image(x, image, self.fromrgb))
        return self.fc(self.conv(x).flatten(1))


class StyleGAN2Discriminator(nn.Module):
    """The backbone of StyleGAN2's discriminator: image -> features.

    Args:
        size: S, or (H, W); see :mod:`reacgan_plugin.backbones.sizes`.
        channel_base: features of short side r have ``channel_base // r`` channels,
        channel_max: but no more than this.
        architecture: ``'resnet'``, ``'orig'`` or ``'skip'`` (Karras et al. 2020,
            section 4.1 and figure 7).
        stddev_group: samples whose standard deviation is taken together.
        stddev_channels: in which it is told; 0: not at all.
        clamp: largest magnitude of every convolution's output; None: no limit.
        image_channels: 3, or 1 for grey images.

    Shapes: image (N, 3, H, W), or of other channels, about in [-1, 1] -> (N, C); C is
    ``out_channels``.
    Raises: ValueError for a size or option that is not possible, and for images of
    another size or other channels.
    """

    head_layers = EqualisedLayers()

    def __init__(
        self,
        *,
        size: Size = 32,
        channel_base: int = 32768,
        channel_max: int = 512,
        architecture: str = 'resnet',
        stddev_group: int = 4,
        stddev_channels: int = 1,
        clamp: float | None = None,
        image_channels: int = 3,
    ):
        super().__init__()
        self.image_channels = whole('image_channels', image_channels, above=0)
        one_of('architecture', architecture, ARCHITECTURES)
        counts(stddev_group=stddev_group)
        whole('stddev_channels', stddev_channels, above=-1)
        if clamp is not None:
            in_range('clamp', clamp, above=0)
        sides = doubled_sides(prepared_sides(size))[::-1]
        widths = [channels_at(stage, channel_base, channel_max) for stage in sides]
        self.sides, self.size = sides[0], as_size(sides[0])
        self.out_channels = widths[-1]
        options = dict(
            architecture=architecture, clamp=clamp, image_channels=image_channels
        )
        self.stages = nn.ModuleDict()
        for stage, widths_around in zip(sides, pairwise(widths), strict=False):
            self.stages[str(min(stage))] = DiscriminatorBlock(
                *widths_around, first=stage == sides[0], **options
            )
        self.epilogue = Epilogue(
            widths[-1],
            math.prod(sides[-1]),
            stddev_group=stddev_group,
            stddev_channels=stddev_channels,
            **options,
        )

    def forward(self, image: Tensor) -> Tensor:
        check_image(image, self.image_channels, self.sides)
        x = None
        for block in self.stages.values():
            x, image = block(x, image)
        return self.epilogue(x, image)


def _with_image(x: Tensor | None, image: Tensor, fromrgb: nn.Module | None) -> Tensor:
    """Features, plus those of the image where it is looked at."""
    if fromrgb is None:
        return x
    seen = fromrgb(image)
    return seen if x is None else x + seen


def _check_shares(channels: int, stddev_channels: int) -> None:
    """Each appended channel stands for an equal share of the features."""
    if stddev_channels and channels % stddev_channels:
        raise ValueError(
            f'stddev_channels={stddev_channels} does not divide the {channels} '
            'channels of the last features; allowed: 0, 1 and other divisors'
        )
