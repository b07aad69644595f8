"""Spectral normalisation of every layer of a network that is there already."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize

from reacgan_plugin.layers.spectral_norm import SpectralNorm

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
NORMALISED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED)
# of nn.MultiheadAttention, whose map behind the heads is a linear layer of its own
PROJECTIONS = ('in_proj_weight', 'q_proj_weight', 'k_proj_weight', 'v_proj_weight')
PRECISE = (torch.float32, torch.float64)


class TransposedSpectralNorm(SpectralNorm):
    """The same for a transposed convolution, whose second dimension makes the rows."""

    def __init__(self, weight: Tensor):
        super().__init__(weight.transpose(0, 1))

    def forward(self, weight: Tensor) -> Tensor:
        return super().forward(weight.transpose(0, 1)).transpose(0, 1)


def apply_spectral_norm(module: nn.Module) -> int:
    """Spectrally normalise the trained weight of every convolution and linear map.

    The maps of an ``nn.MultiheadAttention`` are among them; where queries, keys and
    values share the one weight (3E, E), it is one map. It is read three times a pass,
    each with a power iteration unless ``parametrize.cached()`` is around, which
    :class:`Discriminator` and :class:`Conditioned` see to. A weight that asks for no
    gradient, or that something else already computes, such as a spectral or weight norm
    of torch, stays as it is.

    Args:
        module: the network; its layers are changed in place.

    Returns: how many weights are normalised from now on.
    Raises: ValueError when there is none, for one in half precision, and for that of a
    lazy layer that has not run yet; the network is as it was then.
    """
    found = list(_trained_weights(module))
    if not found:
        raise ValueError(
            f'spectral_norm: {type(module).__name__} has no convolution or linear map '
            'with a trained weight that is not normalised already'
        )
    for place, layer, name in found:
        _check_weight(f'{place}.{name}'.removeprefix('.'), getattr(layer, name))
    for _, layer, name in found:
        norm = TransposedSpectralNorm if isinstance(layer, TRANSPOSED) else SpectralNorm
        weight = getattr(layer, name)
        parametrize.register_parametrization(layer, name, norm(weight))
    return len(found)


def _trained_weights(module: nn.Module) -> Iterator[tuple[str, nn.Module, str]]:
    """Layers, where they are and what each of their weights is called."""
    for place, layer in module.named_modules():
        # under a norm of torch's, the weight is no parameter of the layer itself
        own = dict(layer.named_parameters(recurse=False))
        for name in _weight_names(layer):
            if name in own and own[name].requires_grad:
                yield place, layer, name


def _weight_names(layer: nn.Module) -> tuple[str, ...]:
    if isinstance(layer, nn.MultiheadAttention):
        return PROJECTIONS
    return ('weight',) if isinstance(layer, NORMALISED) else ()


def _check_weight(name: str, weight: Tensor) -> None:
    if is_lazy(weight):
        raise ValueError(
            f'spectral_norm: {name!r} has no shape yet, since its layer is lazy; run '
            'the network once first'
        )
    if weight.dtype not in PRECISE:
        raise ValueError(
            f'spectral_norm: {name!r} is {weight.dtype}; allowed: torch.float32 and '
            'torch.float64, under autocast for half precision'
        )
