"""StyleGAN2's generator (Karras et al. 2020, sections 2 and 4.1) with classes as in
Karras et al. 2020 ("ADA", appendix D).

Letters: N batch, Z width of z, K classes, W width of w, L layers that take a w each.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from reacgan_plugin.backbones.sizes import (
    Sides,
    Size,
    as_size,
    doubled_sides,
    prepared_sides,
)
from reacgan_plugin.backbones.stylegan2_mapping import MappingNetwork
from reacgan_plugin.backbones.stylegan2_widths import channels_at
from reacgan_plugin.layers.modes import untracked_statistics
from reacgan_plugin.layers.modulated_conv import NOISES, StyledConv2d, ToRGB
from reacgan_plugin.layers.resample import blur_filter, upsample
from reacgan_plugin.options import in_range, one_of, whole


class SynthesisBlock(nn.Module):
    """The layers of one resolution, and its contribution to the image.

    Args:
        in_channels: of the features before; 0: it starts from a learned constant.
        out_channels: of its features.
        w_dim: W.
        sides: (H, W) of its features.
        clamp: largest magnitude of every layer's output; None: no limit.
        image_channels: of the image, here and below 3.

    Shapes: features, image (N, 3, H / 2, W / 2) and ws (N, 2 or 3, W) -> features,
    image (N, 3, H, W). The first block takes neither features nor image.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        w_dim: int,
        *,
        sides: Sides,
        clamp: float | None = None,
        image_channels: int = 3,
    ):
        super().__init__()
        options = dict(sides=sides, clamp=clamp)
        self.const = self.conv0 = None
        if in_channels == 0:
            self.const = nn.Parameter(torch.randn(out_channels, *sides))
        else:
            self.conv0 = StyledConv2d(
                in_channels, out_channels, w_dim, resample='up', **options
            )
        self.conv1 = StyledConv2d(out_channels, out_channels, w_dim, **options)
        self.torgb = ToRGB(
            out_channels, w_dim, clamp=clamp, out_channels=image_channels
        )
        self.register_buffer('resample_filter', blur_filter())

    @property
    def convolutions(self) -> int:
        """How many layers take a w of their own; torgb shares the next block's."""
        return 1 if self.conv0 is None else 2

    def forward(
        self, x: Tensor | None, image: Tensor | None, ws: Tensor, *, noise: str
    ) -> tuple[Tensor, Tensor]:
        *firsts, last, of_rgb = ws.unbind(1)
        if self.conv0 is None:
            x = self.const.expand(len(ws), -1, -1, -1)
        else:
            x = self.conv0(x, *firsts, noise=noise)
        x = self.conv1(x, last, noise=noise)
        rgb = self.torgb(x, of_rgb)
        if image is None:
            return x, rgb
        return x, rgb + upsample(image, self.resample_filter)


class SynthesisNetwork(nn.Module):
    """ws -> image: blocks from the start to the full resolution.

    Shapes: ws (N, L, W) -> (N, 3, H, W); L is ``num_ws``. Sides and widths as in
    :class:`StyleGAN2Generator`.
    Raises: ValueError for another noise.
    """

    def __init__(
        self,
        sides: Sequence[Sides],
        *,
        w_dim: int,
        channel_base: int,
        channel_max: int,
        clamp: float | None,
        image_channels: int = 3,
    ):
        super().__init__()
        self.blocks = nn.ModuleDict()
        options = dict(clamp=clamp, image_channels=image_channels)
        before = 0
        for stage in sides:
            channels = channels_at(stage, channel_base, channel_max)
            block = SynthesisBlock(before, channels, w_dim, sides=stage, **options)
            self.blocks[str(min(stage))] = block
            before = channels
        self.num_ws = sum(block.convolutions for block in self.blocks.values()) + 1

    def forward(self, ws: Tensor, *, noise: str | None = None) -> Tensor:
        if noise is None:
            noise = 'random' if self.training else 'const'
        one_of('noise', noise, NOISES)
        x = image = None
        first = 0
        for block in self.blocks.values():
            own = ws[:, first : first + block.convolutions + 1]
            x, image = block(x, image, own, noise=noise)
            first += block.convolutions
        return image


class StyleGAN2Generator(nn.Module):
    """z and a class make w, and w modulates every layer of synthesis.

    Args:
        size: S, or (H, W); see :mod:`reacgan_plugin.backbones.sizes`.
        num_classes: K; None for a generator without labels.
        z_dim: Z.
        w_dim: W.
        mapping_layers: fully connected layers from z to w.
        channel_base: features of short side r have ``channel_base // r`` channels,
        channel_max: but no more than this.
        style_mixing: probability that, in training, a sample's last layers from a
            random one on take the w of another z (Karras et al. 2019, section 3.1).
        clamp: largest magnitude of every layer's output; None: no limit.
        image_channels: 3, or 1 for grey images.

    Shapes: z (N, Z), label (N,) -> image (N, 3, H, W), or of other channels, about in
    [-1, 1] but not clamped; float32 under autocast.
    Raises: ValueError for a size, probability or noise that is not possible, and for z
    or labels of the wrong shape.
    """

    def __init__(
        self,
        *,
        size: Size = 32,
        num_classes: int | None = 10,
        z_dim: int = 512,
        w_dim: int = 512,
        mapping_layers: int = 8,
        channel_base: int = 32768,
        channel_max: int = 512,
        style_mixing: float = 0.0,
        clamp: float | None = None,
        image_channels: int = 3,
    ):
        super().__init__()
        self.image_channels = whole('image_channels', image_channels, above=0)
        sides = doubled_sides(prepared_sides(size))
        self.size, self.num_classes, self.z_dim = as_size(sides[-1]), num_classes, z_dim
        self.style_mixing = style_mixing
        if clamp is not None:
            in_range('clamp', clamp, above=0)
        if style_mixing:
            in_range('style_mixing', style_mixing, above=0, up_to=1)
        self.mapping = MappingNetwork(
            z_dim=z_dim, num_classes=num_classes, w_dim=w_dim, layers=mapping_layers
        )
        self.synthesis = SynthesisNetwork(
            sides,
            w_dim=w_dim,
            channel_base=channel_base,
            channel_max=channel_max,
            clamp=clamp,
            image_channels=image_channels,
        )

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        *,
        noise: str | None = None,
        truncation: float = 1.0,
    ) -> Tensor:
        """Images (N, 3, H, W).

        Args:
            noise: ``'random'``, ``'const'`` (as drawn when built) or ``'none'``; None:
                random in training mode, constant in evaluation.
            truncation: psi; below 1 ws move towards their average.
        """
        return self.synthesis(self.styles(z, label, truncation=truncation), noise=noise)

    def styles(
        self, z: Tensor, label: Tensor | None = None, *, truncation: float = 1.0
    ) -> Tensor:
        """The w of every layer: z (N, Z), label (N,) -> ws (N, L, W)."""
        ws = self._repeated(self.mapping(z, label, truncation=truncation))
        if not (self.training and self.style_mixing):
            return ws
        # the average follows each z of the step once
        with untracked_statistics(self.mapping):
            other = self.mapping(torch.randn_like(z), label, truncation=truncation)
        return torch.where(self._mixed(ws), self._repeated(other), ws)

    def _repeated(self, w: Tensor) -> Tensor:
        return w[:, None].expand(-1, self.synthesis.num_ws, -1)

    def _mixed(self, ws: Tensor) -> Tensor:
        """Which layers take the other w: (N, L, 1), never the first."""
        rows, layers = ws.shape[:2]
        first = torch.randint(1, layers, (rows, 1, 1), device=ws.device)
        chosen = torch.rand(rows, 1, 1, device=ws.device) < self.style_mixing
        layer = torch.arange(layers, device=ws.device)[:, None]
        return chosen & (layer >= first)
