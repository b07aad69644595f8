"""Random projections of features (Sauer et al. 2021, "Projected GANs Converge Faster",
section 3.2): a discriminator that sees mixed channels and scales of a fixed network
cannot rely on a few of them alone.

Letters: N batch, C features.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from reacgan_plugin.layers.modes import frozen
from reacgan_plugin.options import in_range


class RandomMixing(nn.Module):
    """Mixes channels, and scales from the coarsest up, by weights that never change.

    Channels are mixed by a 1 x 1 convolution at each scale. For scales, the coarser
    mixture goes through a 3 x 3 convolution, is resized bilinearly and added, so that
    the finest one knows of all. No activation anywhere, hence nothing is lost where
    there are more channels behind than before. Weights get no gradient even where a
    loop makes all parameters ask for one.

    Args:
        channels: of the features, the finest scale first.
        width: channels of the finest mixture, doubled at each next scale.
        scales: False: mix channels alone.

    Shapes: features (N, C_i, H_i, W_i) -> mixtures (N, ``out_channels[i]``, H_i, W_i).
    Raises: ValueError for a width below one.
    """

    def __init__(
        self, channels: Sequence[int], *, width: int = 64, scales: bool = True
    ):
        super().__init__()
        in_range('width', width, above=0)
        self.out_channels = [width * 2**n for n in range(len(channels))]
        self.project = nn.ModuleList(
            _fixed_conv(before, after, 1)
            for before, after in zip(channels, self.out_channels, strict=True)
        )
        steps = pairwise(self.out_channels) if scales else ()
        self.descend = nn.ModuleList(
            _fixed_conv(coarse, fine, 3) for fine, coarse in steps
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        with frozen(self):  # also where a loop has unfrozen all parameters
            return self._mixed(features)

    def _mixed(self, features: Sequence[Tensor]) -> list[Tensor]:
        mixed = [project(x) for project, x in zip(self.project, features, strict=True)]
        for fine in reversed(range(len(self.descend))):
            coarser = self.descend[fine](mixed[fine + 1])
            sides = mixed[fine].shape[2:]
            mixed[fine] = mixed[fine] + F.interpolate(
                coarser, size=sides, mode='bilinear', align_corners=False
            )
        return mixed


def _fixed_conv(in_channels: int, out_channels: int, kernel_size: int) -> nn.Module:
    """A same-size convolution that keeps the variance and asks for no gradient."""
    layer = nn.Conv2d(
        in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False
    )
    # Kaiming's, for no activation
    nn.init.kaiming_normal_(layer.weight, nonlinearity='linear')
    # parameters all the same: buffers are averaged over processes at each update
    return layer.requires_grad_(False)
