"""What a convolution computes without any resampling of its layer."""

from torch.nn import functional as F


def convolved(layer, x):
    """Same-size convolution with a layer's weights: (N, in, H, W) -> (N, out, H, W)."""
    return F.conv2d(x, layer.weight, layer.bias, padding=layer.weight.shape[-1] // 2)
