"""The discriminator of projected GANs (Sauer et al. 2021, "Projected GANs Converge
Faster", section 3): it sees a fixed pretrained network's features, not the image.

Letters: N batch, C features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from reacgan_plugin.backbones.sizes import Size
from reacgan_plugin.backbones.timm_features import TimmFeatures
from reacgan_plugin.backbones.timm_network import check_stages
from reacgan_plugin.layers.random_mixing import RandomMixing
from reacgan_plugin.layers.weights import conv2d
from reacgan_plugin.options import in_range, one_of

MIXING = (None, 'channels', 'scales')


class ProjectedDiscriminator(nn.Module):
    """Small trained networks on mixed features of a fixed one: image -> features.

    Args:
        weights: of the fixed network; see
            :class:`~reacgan_plugin.backbones.timm_features.TimmFeatures`, as for
            ``size``, ``resize`` and ``options``.
        name: of the fixed network, as ``timm.create_model`` takes it.
        out_indices: stages whose maps are looked at, by timm's numbers, from the
            finest.
        mixing: fixed random mixing of ``'channels'``, of channels and ``'scales'``, or
            None.
        channels: width of the trained networks, of which each scale has one.

    Shapes: image (N, 3, H, W) in [-1, 1] -> (N, C), the scales' features side by side;
    C, ``out_channels``, is ``channels`` times the number of scales. The fixed parts get
    no gradient even where a loop makes all parameters ask for one; only DDP, made
    around the network after that, would wait for it. To freeze the discriminator for a
    while use :func:`~reacgan_plugin.layers.frozen`, which gives back what each had.
    Raises: as :class:`~reacgan_plugin.backbones.timm_features.TimmFeatures`; ValueError
    for other mixing, for no channels and for no stages.
    """

    def __init__(
        self,
        *,
        weights: str | None,
        name: str = 'tf_efficientnet_lite0',
        out_indices: Sequence[int] = (1, 2, 3, 4),
        size: Size | None = None,
        resize: Size | None = None,
        mixing: str | None = 'scales',
        channels: int = 64,
        options: Mapping | None = None,
    ):
        super().__init__()
        one_of('mixing', mixing, MIXING)
        in_range('channels', channels, above=0)
        check_stages(out_indices)  # None, all of the network, has no maps
        self.size = size
        self.features = TimmFeatures(
            name=name,
            weights=weights,
            out_indices=out_indices,
            size=size,
            resize=resize,
            trained=False,
            options=options,
        )
        self.mixing, widths = None, self.features.channels
        if mixing is not None:
            self.mixing = RandomMixing(widths, scales=mixing == 'scales')
            widths = self.mixing.out_channels
        self.judges = nn.ModuleList(_judge(width, channels) for width in widths)
        self.out_channels = channels * len(widths)

    def forward(self, image: Tensor) -> Tensor:
        maps = self.features(image)
        if self.mixing is not None:
            maps = self.mixing(maps)
        judged = [judge(x) for judge, x in zip(self.judges, maps, strict=True)]
        return torch.cat([x.mean((2, 3)) for x in judged], dim=1)


def _judge(in_channels: int, channels: int) -> nn.Module:
    """The network of one scale, spectrally normalised, without batch statistics."""
    return nn.Sequential(
        conv2d(in_channels, channels, 3),
        nn.LeakyReLU(0.2),
        conv2d(channels, channels, 3),
        nn.LeakyReLU(0.2),
    )
