"""Batch norm whose gain and bias come from a condition (BigGAN's class and z)."""

from torch import Tensor, nn

from reacgan_plugin.layers.overwriting import scaled
from reacgan_plugin.layers.weights import linear

BATCH_NORM_EPSILON = 1e-4  # of the published BigGAN-type networks


def batch_norm(num_features: int, *, affine: bool = True) -> nn.BatchNorm2d:
    """Batch norm with the epsilon of the published networks."""
    return nn.BatchNorm2d(num_features, eps=BATCH_NORM_EPSILON, affine=affine)


class ConditionalBatchNorm2d(nn.Module):
    """Batch norm, then ``x * (1 + gain(condition)) + bias(condition)``.

    Args:
        num_features: channels of the image features.
        condition_dim: width of the condition vector.
        spectral_norm: normalise the two linear maps.

    Shapes: (N, num_features, H, W), (N, condition_dim) -> (N, num_features, H, W).
    The one added to the gain makes a fresh layer a plain batch norm up to its small
    initial maps (Brock et al. 2019, appendix B).
    """

    def __init__(
        self, num_features: int, condition_dim: int, *, spectral_norm: bool = True
    ):
        super().__init__()
        self.norm = batch_norm(num_features, affine=False)
        options = dict(bias=False, spectral_norm=spectral_norm)
        self.gain = linear(condition_dim, num_features, **options)
        self.bias = linear(condition_dim, num_features, **options)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        gain = (1 + self.gain(condition))[:, :, None, None]
        bias = self.bias(condition)[:, :, None, None]
        return scaled(self.norm(x), gain, bias)
