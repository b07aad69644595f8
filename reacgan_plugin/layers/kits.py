"""Kits: how the weights of a head are made, so that one head fits every backbone.

A backbone that wants another kit than the orthogonal one names it as ``head_layers``.
"""

from __future__ import annotations

from torch import nn

from reacgan_plugin.layers.weights import embedding, linear


class OrthogonalLayers:
    """Orthogonal initial weights, as BigGAN has them.

    Args:
        spectral_norm: normalise every weight.
    """

    def __init__(self, spectral_norm: bool = True):
        self.spectral_norm = spectral_norm

    def linear(
        self, in_features: int, out_features: int, *, bias: bool = True
    ) -> nn.Module:
        """Linear map: (N, in) -> (N, out)."""
        return linear(
            in_features, out_features, bias=bias, spectral_norm=self.spectral_norm
        )

    def embedding(self, num_classes: int, width: int) -> nn.Module:
        """One learned row a class: (N,) integers -> (N, width)."""
        return embedding(num_classes, width, spectral_norm=self.spectral_norm)

    def class_mapping(self, num_classes: int, width: int) -> nn.Module:
        """The map of classes of a projection in StyleGAN's way; here an embedding."""
        return self.embedding(num_classes, width)
