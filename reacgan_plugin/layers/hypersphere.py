"""Projection of features onto the unit hypersphere."""

from torch import Tensor, nn

from reacgan_plugin.functional.sphere import project_to_sphere
from reacgan_plugin.layers.kits import OrthogonalLayers
from reacgan_plugin.options import counts


class HypersphereProjection(nn.Module):
    """A linear map followed by division by the L2 norm: f = P(F(x)) / ||P(F(x))||.

    Args:
        in_channels: C, width of the features.
        embed_dim: D, width of the embedding.
        spectral_norm: normalise the linear map's weight.
        layers: kit that makes the map; the orthogonal one by default.

    Shapes: (N, C) -> (N, D), rows of unit norm, float32 under autocast.
    Source: Kang et al. 2021 (ReACGAN), section 3.
    """

    def __init__(
        self,
        in_channels: int,
        embed_dim: int = 512,
        *,
        spectral_norm: bool = True,
        layers=None,
    ):
        super().__init__()
        counts(in_channels=in_channels, embed_dim=embed_dim)
        layers = layers or OrthogonalLayers(spectral_norm)
        self.linear = layers.linear(in_channels, embed_dim)

    def forward(self, features: Tensor) -> Tensor:
        return project_to_sphere(self.linear(features))
