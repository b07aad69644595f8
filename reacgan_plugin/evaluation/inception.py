"""InceptionV3 with the weights of the first FID code, the field's yardstick.

The network is torch-fidelity's, with TensorFlow's 2015 weights; nothing is downloaded.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor

from reacgan_plugin.evaluation.extractor import Extracted, Extractor
from reacgan_plugin.evaluation.weight_files import file_mark

SIDE = 299
VARIABLE = 'INCEPTION_WEIGHTS'
LAYERS = (
    'Conv2d_1a_3x3',
    'Conv2d_2a_3x3',
    'Conv2d_2b_3x3',
    'MaxPool_1',
    'Conv2d_3b_1x1',
    'Conv2d_4a_3x3',
    'MaxPool_2',
    *(f'Mixed_5{letter}' for letter in 'bcd'),
    *(f'Mixed_6{letter}' for letter in 'abcde'),
    *(f'Mixed_7{letter}' for letter in 'abc'),
    'AvgPool',
)


class InceptionExtractor(Extractor):
    """Features before the last layer (D = 2048) and its logits without bias (L = 1008).

    Args:
        weights: torch-fidelity's file; None: the one that the environment variable
            INCEPTION_WEIGHTS names, or where torch-fidelity itself keeps it.

    Raises: ValueError where there is no such file, saying where to get it and where to
    put it, and for one that is no network of this kind.
    """

    def __init__(self, weights: str | os.PathLike | None = None):
        path = _found(weights)
        super().__init__(f'InceptionV3 {file_mark(path)}', size=SIDE)
        self.network = _network(path)
        self.settled()

    def forward(self, image: Tensor) -> Extracted:
        x = (image - 128) / 128
        for name in LAYERS:
            x = getattr(self.network, name)(x)
        features = x.flatten(1)
        # the bias is left out, as in the first IS code
        return Extracted(features, features @ self.network.fc.weight.T)


def _found(weights) -> Path:
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    given = weights or os.environ.get(VARIABLE)
    usual = Path(torch.hub.get_dir(), 'checkpoints', Path(URL_INCEPTION_V3).name)
    path = Path(given or usual).expanduser()
    if path.is_file():
        return path
    raise ValueError(
        f'the weights of InceptionV3 are not in {path}; get {URL_INCEPTION_V3} and put '
        f'the file there, or name it by weights=FILE or {VARIABLE}; or compare by '
        'another extractor, such as EfficientNet-Lite0'
    )


def _network(path: Path):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    try:
        # torch-fidelity would execute what the file says; one that loads as data
        # has nothing to execute
        torch.load(path, map_location='cpu', weights_only=True)
        return FeatureExtractorInceptionV3(
            'inception', ['2048'], feature_extractor_weights_path=str(path)
        )
    except OSError:
        raise  # the disk's own words are clear
    except Exception as error:  # readers fail in many ways on a broken file
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f'{path} holds no weights of InceptionV3 that load as data alone: {reason}'
        ) from error
