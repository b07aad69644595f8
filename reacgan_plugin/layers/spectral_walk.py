"""Spectral normalisation of every layer of a network that is there already."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils import parametrize

from reacgan_plugin.layers.spectral_norm import SpectralNorm, spectral_normalised

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
NORMALISED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED)


class TransposedSpectralNorm(SpectralNorm):
    """The same for a transposed convolution, whose second dimension makes the rows."""

    def __init__(self, weight: Tensor):
        super().__init__(weight.transpose(0, 1))

    def forward(self, weight: Tensor) -> Tensor:
        return super().forward(weight.transpose(0, 1)).transpose(0, 1)


def apply_spectral_norm(module: nn.Module) -> int:
    """Spectrally normalise the trained weight of every convolution and linear map.

    A weight that asks for no gradient, or that something else already computes, such
    as a spectral or weight norm of torch, stays as it is.

    Args:
        module: the network; its layers are changed in place.

    Returns: how many layers are normalised from now on.
    Raises: ValueError when there is none.
    """
    layers = [layer for layer in module.modules() if _has_trained_weight(layer)]
    if not layers:
        raise ValueError(
            f'spectral_norm: {type(module).__name__} has no convolution or linear map '
            'with a trained weight that is not normalised already'
        )
    for layer in layers:
        if isinstance(layer, TRANSPOSED):
            norm = TransposedSpectralNorm(layer.weight)
            parametrize.register_parametrization(layer, 'weight', norm)
        else:
            spectral_normalised(layer)
    return len(layers)


def _has_trained_weight(layer: nn.Module) -> bool:
    if not isinstance(layer, NORMALISED):
        return False
    # under a norm of torch's, the weight is no parameter of the layer itself
    weight = dict(layer.named_parameters(recurse=False)).get('weight')
    return weight is not None and weight.requires_grad
