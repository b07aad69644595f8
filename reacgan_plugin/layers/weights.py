"""Convolutions, linears and embeddings with orthogonal initial weights.

Brock et al. 2019 ("BigGAN", section 3.1) initialise every weight orthogonally; biases
start at zero. Spectral norm is applied after that, so that its first singular vectors
belong to the weights that training starts from.
"""

from torch import nn

from reacgan_plugin.layers.folded_conv import PooledConv2d, UpsampledConv2d
from reacgan_plugin.layers.spectral_norm import spectral_normalised

RESAMPLING = {'up': UpsampledConv2d, 'down': PooledConv2d}


def conv2d(
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    *,
    resample: str | None = None,
    bias: bool = True,
    spectral_norm: bool = True,
) -> nn.Module:
    """Same-size convolution: (N, in, H, W) -> (N, out, H, W); odd kernels.

    ``resample='up'`` doubles the sides before it, by repeating pixels; ``'down'``
    halves them behind it, by averaging.
    """
    sizes = in_channels, out_channels, kernel_size
    if resample is None:
        module = nn.Conv2d(*sizes, padding=kernel_size // 2, bias=bias)
    else:
        module = RESAMPLING[resample](*sizes, bias=bias)
    return _initialised(module, spectral_norm)


def linear(
    in_features: int,
    out_features: int,
    *,
    bias: bool = True,
    spectral_norm: bool = True,
) -> nn.Module:
    """Linear map: (N, in) -> (N, out)."""
    return _initialised(nn.Linear(in_features, out_features, bias=bias), spectral_norm)


def embedding(
    num_embeddings: int, embedding_dim: int, *, spectral_norm: bool = True
) -> nn.Module:
    """One learned row a class: (N,) integers -> (N, embedding_dim)."""
    return _initialised(nn.Embedding(num_embeddings, embedding_dim), spectral_norm)


def _initialised(module: nn.Module, spectral_norm: bool) -> nn.Module:
    nn.init.orthogonal_(module.weight)
    if getattr(module, 'bias', None) is not None:
        nn.init.zeros_(module.bias)
    return spectral_normalised(module) if spectral_norm else module
