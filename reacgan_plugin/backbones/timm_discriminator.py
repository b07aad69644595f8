"""Any network of timm as the backbone of a discriminator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from reacgan_plugin.backbones.sizes import Size
from reacgan_plugin.backbones.timm_features import TimmFeatures
from reacgan_plugin.layers.spectral_walk import apply_spectral_norm


class TimmDiscriminator(nn.Module):
    """Pooled features of one of timm's networks: image -> features.

    Args:
        name, weights, size, resize, trained, options: as of
            :class:`~reacgan_plugin.backbones.timm_features.TimmFeatures`. With
            ``trained=False`` nothing but the conditioning's head learns;
            ``ProjectedDiscriminator`` has more to learn on a fixed network.
        out_indices: stages, ascending, whose maps, averaged over positions, stand side
            by side in the features; None: the features that the network's classifier
            would see. Of EfficientNets and MobileNets, timm keeps the later stages too,
            whose gradients DDP would wait for: name their last stage as well.
        spectral_norm: normalise every trained convolution and linear map.

    Shapes: image (N, 3, H, W) in [-1, 1] -> (N, C); C is ``out_channels``.
    Raises: as :class:`~reacgan_plugin.backbones.timm_features.TimmFeatures`; ValueError
    where there is nothing to normalise.
    """

    def __init__(
        self,
        *,
        name: str,
        weights: str | None = None,
        out_indices: Sequence[int] | None = None,
        size: Size | None = None,
        resize: Size | None = None,
        trained: bool = True,
        spectral_norm: bool = False,
        options: Mapping | None = None,
    ):
        super().__init__()
        self.size = size
        self.features = TimmFeatures(
            name=name,
            weights=weights,
            out_indices=out_indices,
            size=size,
            resize=resize,
            trained=trained,
            options=options,
        )
        self.out_channels = sum(self.features.channels)
        if spectral_norm:
            apply_spectral_norm(self)

    def forward(self, image: Tensor) -> Tensor:
        parts = self.features(image)
        return torch.cat([p.flatten(2).mean(2) if p.ndim > 2 else p for p in parts], 1)
