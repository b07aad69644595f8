"""Any class as the backbone of a discriminator, named in a config alone."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping

from torch import Tensor, nn

from reacgan_plugin.backbones.sizes import Size
from reacgan_plugin.backbones.tap import FeatureTap
from reacgan_plugin.layers.pooling import POOLS, pooled
from reacgan_plugin.layers.spectral_walk import apply_spectral_norm
from reacgan_plugin.options import did_you_mean, one_of

KEY = 'model.discriminator'
# how layers, and networks with pooled features, say their widths
WIDTHS = {
    'input': ('in_channels', 'in_features'),
    'output': ('out_channels', 'out_features', 'num_features'),
}


class ModuleDiscriminator(nn.Module):
    """A class of yours, its output or what a layer inside sees: image -> features.

    Args:
        module: what makes the network, a class or a function, as
            ``'package.file:Name'``; it is imported, so a checkpoint with this backbone
            asks for ``--trust-imports``.
        options: keyword arguments for it.
        layer: dotted name of the layer whose features are taken; None: the network's
            output.
        at: the layer's ``'input'`` or ``'output'``. Nobody reads what a layer gives
            that is tapped at its input, so it is not trained. Weights behind it get no
            gradient either; for DDP, which waits for it, freeze them in your class.
        out_channels: C; None: what the layer, or the network, says itself.
        pool: of feature maps (N, C, H, W), ``'sum'`` or ``'mean'`` over positions.
        size: S, or (H, W), of the images, if it is to be checked before training.
        spectral_norm: normalise every trained convolution and linear map.

    Shapes: image (N, 3, H, W) in [-1, 1] -> (N, C); C is ``out_channels``.
    Raises: ValueError, with the key, for a name that leads to no network, options it
    does not take, a layer that it does not have, features of another shape, and where
    there is nothing to normalise.
    """

    def __init__(
        self,
        *,
        module: str,
        options: Mapping | None = None,
        layer: str | None = None,
        at: str = 'input',
        out_channels: int | None = None,
        pool: str = 'sum',
        size: Size | None = None,
        spectral_norm: bool = False,
    ):
        super().__init__()
        self.pool = one_of(f'{KEY}.pool', pool, POOLS)
        self.size = size
        network = _built(module, {} if options is None else options)
        if layer is None:
            self.network, said = network, _width(network, 'output')
        else:
            self.network = _tapped(network, layer, at)
            said = _width(self.network.tapped, at)
        if out_channels is None and said is None:
            raise ValueError(
                f'{KEY}.out_channels is needed: {layer or module} does not say how '
                'wide its features are'
            )
        self.layer, self.out_channels = layer, out_channels or said
        if spectral_norm:
            apply_spectral_norm(self)

    def forward(self, image: Tensor) -> Tensor:
        features = self.network(image)
        if self.layer is not None:
            features = features[1]
        _check_features(features, self.out_channels, self.layer)
        return pooled(features, self.pool)


def _built(place: str, options: Mapping) -> nn.Module:
    make = _found(place)
    if not isinstance(options, Mapping):
        raise ValueError(f'{KEY}.options={options!r}; allowed: a dict')
    try:
        network = make(**options)
    except TypeError as error:
        raise ValueError(
            f'{KEY}.options do not fit {place}, which raised: {error}'
        ) from error
    if not isinstance(network, nn.Module):
        raise ValueError(
            f'{KEY}.module={place!r} makes a {type(network).__name__}; allowed: a '
            'torch.nn.Module'
        )
    return network


def _found(place: str) -> Callable:
    """The class or function of ``'package.file:Name'``."""
    file, colon, name = str(place).partition(':')
    if not (file and colon and name) or file.startswith('.'):
        raise ValueError(f"{KEY}.module={place!r}; allowed: 'package.file:Name'")
    try:
        module = importlib.import_module(file)
    except ModuleNotFoundError as error:
        if error.name is None or not f'{file}.'.startswith(f'{error.name}.'):
            raise  # the module is there, but something that it imports is not
        raise ValueError(
            f'{KEY}.module={place!r}: there is no module {error.name!r}; its folder '
            'must be on PYTHONPATH'
        ) from error
    found = getattr(module, name, None)
    if not callable(found):
        raise ValueError(
            f'{KEY}.module={place!r}: {file} has no class or function {name!r}'
            f'{did_you_mean(name, vars(module))}'
        )
    return found


def _tapped(network: nn.Module, layer: str, at: str) -> FeatureTap:
    try:
        tap = FeatureTap(network, layer, at=at)
    except ValueError as error:
        raise ValueError(f'{KEY}.{error}') from error
    if at == 'input':
        tap.tapped.requires_grad_(False)  # DDP would wait for its gradient
    return tap


def _width(layer: nn.Module, side: str) -> int | None:
    """Channels that a layer or network says it has on one side."""
    said = (getattr(layer, name, None) for name in WIDTHS[side])
    return next((width for width in said if isinstance(width, int)), None)


def _check_features(features, channels: int, layer: str | None) -> None:
    shape = getattr(features, 'shape', None)
    if shape is not None and len(shape) in (2, 4) and shape[1] == channels:
        return
    key = f'{KEY}.module' if layer is None else f'{KEY}.layer={layer!r}'
    found = type(features).__name__ if shape is None else f'shape {tuple(shape)}'
    raise ValueError(
        f'{key} gives {found}; allowed: (N, {channels}) or (N, {channels}, H, W), '
        f'where {channels} is {KEY}.out_channels'
    )
