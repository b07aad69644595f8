"""What the residual generators and discriminators share.

Sizes, checks of what comes in, where attention stands, and the two ends of a network
are here once; a family adds its blocks and says what its condition is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from reacgan_plugin.backbones.sizes import (
    GENERATOR_WIDTHS,
    Sides,
    Size,
    as_size,
    check_image,
    doubled_sides,
    halved_sides,
    prepared_sides,
)
from reacgan_plugin.functional.labels import check_inputs
from reacgan_plugin.layers import (
    SelfAttention,
    batch_norm,
    conv2d,
    embedding,
    linear,
)
from reacgan_plugin.layers.overwriting import rectified
from reacgan_plugin.options import counts, whole


class ResidualGenerator(nn.Module):
    """A linear map makes the start, blocks double it, a convolution makes the image.

    A family calls ``_build`` with its blocks and says in ``_inputs`` what enters where.

    Args:
        size: S, or (H, W); see :mod:`reacgan_plugin.backbones.sizes`.
        num_classes: K; None for a generator without labels.
        base_channels: channel unit, multiplied by the table's widths.
        z_dim: Z.
        image_channels: 3, or 1 for grey images.

    Shapes: z (N, Z), label (N,) -> image (N, 3, H, W), or of other channels, in
    [-1, 1].
    Raises: ValueError for a size that is not prepared, and for z or labels of the
    wrong shape.
    """

    def __init__(
        self,
        *,
        size: Size,
        num_classes: int | None,
        base_channels: int,
        z_dim: int,
        image_channels: int = 3,
    ):
        super().__init__()
        self.image_channels = whole('image_channels', image_channels, above=0)
        counts(base_channels=base_channels, z_dim=z_dim)
        if num_classes is not None:
            counts(num_classes=num_classes)
        sides = prepared_sides(size)
        self.size, self.num_classes, self.z_dim = as_size(sides), num_classes, z_dim
        self.start, *self.feature_sides = doubled_sides(sides)
        self.widths = [base_channels * w for w in GENERATOR_WIDTHS[min(sides)]]

    def _add_class_embedding(self, shared_dim: int) -> int:
        """A class embedding for all blocks; returns its width, 0 without labels."""
        if self.num_classes is None:
            return 0
        counts(shared_dim=shared_dim)
        # the reference leaves this one weight without spectral norm
        self.class_embedding = embedding(
            self.num_classes, shared_dim, spectral_norm=False
        )
        return shared_dim

    def _beside_class(self, parts: Sequence[Tensor], label: Tensor) -> list[Tensor]:
        """Each part of z, with the class embedding before it if there is one."""
        if self.num_classes is None:
            return list(parts)
        shared = self.class_embedding(label.long())
        return [torch.cat([shared, part], dim=1) for part in parts]

    def _build(
        self,
        stage: Callable[[int, int], Sequence[nn.Module]],
        *,
        input_dim: int,
        attention_at: Sequence[int],
        spectral_norm: bool,
    ) -> None:
        """Add all layers; ``stage(wide, narrow)`` makes the blocks of one doubling."""
        attended = attended_stages(attention_at, self.feature_sides)
        options = dict(spectral_norm=spectral_norm)
        height, width = self.start
        self.input = linear(input_dim, self.widths[0] * height * width, **options)
        self.blocks = nn.ModuleList()
        for index, (wide, narrow) in enumerate(pairwise(self.widths)):
            self.blocks.extend(stage(wide, narrow))
            if index in attended:
                self.blocks.append(SelfAttention(narrow, **options))
        self.norm = batch_norm(self.widths[-1])
        self.output = conv2d(self.widths[-1], self.image_channels, 3, **options)

    def _inputs(
        self, z: Tensor, label: Tensor | None
    ) -> tuple[Tensor, Iterable[tuple[Tensor, ...]]]:
        """What the start is made of, and the conditions of one block after another."""
        raise NotImplementedError

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        check_inputs(z, label, z_dim=self.z_dim, num_classes=self.num_classes)
        with parametrize.cached():
            return self._synthesise(*self._inputs(z, label))

    def _synthesise(
        self, first: Tensor, conditions: Iterable[tuple[Tensor, ...]]
    ) -> Tensor:
        x = self.input(first).unflatten(1, (-1, *self.start))
        conditions = iter(conditions)
        for block in self.blocks:
            if isinstance(block, SelfAttention):
                x = block(x)
            else:
                x = block(x, *next(conditions))
        return torch.tanh(self.output(rectified(self.norm(x))))


class ResidualDiscriminator(nn.Module):
    """Blocks halve the image; the features are summed over their positions.

    A family calls ``_build`` with its blocks.

    Args:
        size: S, or (H, W); see :mod:`reacgan_plugin.backbones.sizes`.
        image_channels: 3, or 1 for grey images.

    Shapes: image (N, 3, H, W), or of other channels, in [-1, 1] -> (N, C); C is
    ``out_channels``.
    Raises: ValueError for a size that is not prepared, and images of another size or
    other channels.
    """

    def __init__(self, *, size: Size, image_channels: int = 3):
        super().__init__()
        self.image_channels = whole('image_channels', image_channels, above=0)
        sides = prepared_sides(size)
        self.size = as_size(sides)
        self.image_sides, self.feature_sides = sides, halved_sides(sides)
        self.input = nn.Identity()  # a family may put a layer before its blocks

    def _build(
        self,
        stage: Callable[[int, int, int], Sequence[nn.Module]],
        channels: Sequence[int],
        *,
        attention_at: Sequence[int],
        spectral_norm: bool,
    ) -> None:
        """Add all blocks; ``stage(index, before, after)`` makes those between two of
        the channels, of which the first ``len(self.feature_sides)`` halve."""
        attended = attended_stages(attention_at, self.feature_sides)
        self.out_channels = channels[-1]
        self.blocks = nn.Sequential()
        for index, (before, after) in enumerate(pairwise(channels)):
            self.blocks.extend(stage(index, before, after))
            if index in attended:
                self.blocks.append(SelfAttention(after, spectral_norm=spectral_norm))

    def forward(self, image: Tensor) -> Tensor:
        check_image(image, self.image_channels, self.image_sides)
        return F.relu(self.blocks(self.input(image))).sum(dim=(2, 3))


def attended_stages(attention_at: Sequence[int], sides: Sequence[Sides]) -> set[int]:
    """Indices of the stages whose features have a short side asked for.

    Raises: ValueError for a side that no features have, and where one is odd.
    """
    short = [min(pair) for pair in sides]
    for side in attention_at:
        if side not in short:
            raise ValueError(
                f'attention_at has {side}; features after blocks have the short sides '
                f'{", ".join(map(str, short))}'
            )
        height, width = sides[short.index(side)]
        if height % 2 or width % 2:
            raise ValueError(
                f'attention_at has {side}, where features are {height} x {width}; '
                'attention pools by two: allowed are even sides'
            )
    return {short.index(side) for side in attention_at}
