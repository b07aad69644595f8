"""The residual networks of SNGAN (Miyato et al. 2018, appendix B.4) and of SAGAN
(Zhang et al. 2019), which adds attention and spectral norm in the generator.

Letters: N batch, Z width of z, K classes, C features, S image side.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import repeat

from torch import Tensor
from torch.nn import functional as F

from reacgan_plugin.backbones.base import ResidualGenerator
from reacgan_plugin.backbones.biggan import BigGANDiscriminator, GeneratorBlock
from reacgan_plugin.backbones.sizes import Size
from reacgan_plugin.layers import ConditionalBatchNorm2d, batch_norm


class ResNetGenerator(ResidualGenerator):
    """z makes the start, the class enters every norm as a one-hot vector.

    Args:
        size: S, or (H, W); see :mod:`reacgan_plugin.backbones.sizes`.
        num_classes: K; None for a generator without labels, with plain batch norms.
        base_channels: channel unit, multiplied by the table's widths.
        z_dim: Z.
        attention_at: short sides of features after whose block self-attention follows.
        spectral_norm: normalise every convolution and linear map, as SAGAN does.
        image_channels: 3, or 1 for grey images.

    Shapes: z (N, Z), label (N,) -> image (N, 3, H, W), or of other channels, in
    [-1, 1].
    Raises: ValueError for a size or attention that does not fit, and for z or labels
    of the wrong shape.
    """

    def __init__(
        self,
        *,
        size: Size = 32,
        num_classes: int | None = 10,
        base_channels: int = 64,
        z_dim: int = 128,
        attention_at: Sequence[int] = (),
        spectral_norm: bool = False,
        image_channels: int = 3,
    ):
        super().__init__(
            size=size,
            num_classes=num_classes,
            base_channels=base_channels,
            z_dim=z_dim,
            image_channels=image_channels,
        )
        options = dict(spectral_norm=spectral_norm)
        norm = batch_norm
        if num_classes is not None:
            norm = partial(ConditionalBatchNorm2d, condition_dim=num_classes, **options)

        def stage(wide, narrow):
            return [GeneratorBlock(wide, narrow, norm, **options)]

        self._build(stage, input_dim=z_dim, attention_at=attention_at, **options)

    def _inputs(self, z: Tensor, label: Tensor | None):
        if self.num_classes is None:
            return z, repeat(())
        one_hot = F.one_hot(label.long(), self.num_classes).to(z.dtype)
        return z, repeat((one_hot,))


class ResNetDiscriminator(BigGANDiscriminator):
    """SNGAN's and SAGAN's backbone: the one that BigGAN took over, by default
    narrower and without attention.

    Arguments, shapes and errors are those of ``BigGANDiscriminator``.
    """

    def __init__(
        self,
        *,
        size: Size = 32,
        base_channels: int = 64,
        attention_at: Sequence[int] = (),
        spectral_norm: bool = True,
        image_channels: int = 3,
    ):
        super().__init__(
            size=size,
            base_channels=base_channels,
            attention_at=attention_at,
            spectral_norm=spectral_norm,
            image_channels=image_channels,
        )
