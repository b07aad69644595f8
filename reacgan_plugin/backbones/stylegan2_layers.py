"""The kit of heads on StyleGAN2's discriminator: equalised weights, mapped classes."""

from __future__ import annotations

from torch import nn

from reacgan_plugin.backbones.stylegan2_mapping import ClassMapping
from reacgan_plugin.layers.equalised import EqualisedLinear


class EqualisedLayers:
    """Weights with an equalised learning rate; see
    :class:`reacgan_plugin.layers.kits.OrthogonalLayers` for what a kit is."""

    def linear(
        self, in_features: int, out_features: int, *, bias: bool = True
    ) -> nn.Module:
        """Linear map: (N, in) -> (N, out)."""
        return EqualisedLinear(in_features, out_features, bias=bias)

    def embedding(self, num_classes: int, width: int) -> nn.Module:
        """An embedding and one fully connected layer: (N,) integers -> (N, width)."""
        return ClassMapping(num_classes, width, layers=1)

    def class_mapping(self, num_classes: int, width: int) -> nn.Module:
        """A full mapping network of classes: (N,) integers -> (N, width)."""
        return ClassMapping(num_classes, width)
