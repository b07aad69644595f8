import pytest
import torch
from tiny_gan import PlainBackbone
from tiny_methods import CLASSES, FEATURES, METHODS
from torch import nn

from reacgan_plugin.backbones.stylegan2_layers import EqualisedLayers
from reacgan_plugin.conditioning import PD
from reacgan_plugin.gan.networks import build_discriminator
from reacgan_plugin.layers.kits import OrthogonalLayers


def test_weights_start_orthogonal_and_biases_at_zero():
    built = OrthogonalLayers(spectral_norm=False).linear(6, 4)
    assert torch.allclose(built.weight @ built.weight.T, torch.eye(4), atol=1e-5)
    assert torch.count_nonzero(built.bias) == 0
    rows = OrthogonalLayers(spectral_norm=False).embedding(3, 5).weight
    assert torch.allclose(rows @ rows.T, torch.eye(3), atol=1e-5)


@pytest.mark.parametrize('spectral_norm', [True, False])
def test_spectral_norm_is_on_all_that_a_kit_makes_or_on_nothing(spectral_norm):
    kit = OrthogonalLayers(spectral_norm)
    for built in (kit.linear(6, 4), kit.embedding(3, 5), kit.class_mapping(3, 5)):
        assert hasattr(built, 'parametrizations') is spectral_norm


def test_spectral_norm_is_the_default():
    assert hasattr(OrthogonalLayers().linear(6, 4), 'parametrizations')


@pytest.mark.parametrize('bias', [True, False])
def test_a_linear_map_has_a_bias_where_it_is_asked_for(bias):
    built = OrthogonalLayers().linear(6, 4, bias=bias)
    assert (built.bias is not None) is bias
    assert built(torch.randn(2, 6)).shape == (2, 4)


def test_the_map_of_classes_is_one_row_a_class():
    built = OrthogonalLayers(spectral_norm=False).class_mapping(3, 5)
    label = torch.tensor([2, 0])
    assert torch.equal(built(label), built.weight[label])


class Kit:
    """Keeps what it makes."""

    def __init__(self):
        self.made = []

    def linear(self, in_features, out_features, *, bias=True):
        self.made.append(nn.Linear(in_features, out_features, bias=bias))
        return self.made[-1]

    def embedding(self, num_classes, width):
        self.made.append(nn.Embedding(num_classes, width))
        return self.made[-1]

    class_mapping = embedding


@pytest.mark.parametrize('name', METHODS)
def test_a_kit_makes_every_weight_of_a_head_and_decides_on_spectral_norm(name):
    kit = Kit()
    head = METHODS[name](spectral_norm=True).build_head(FEATURES, CLASSES, layers=kit)
    owners = [m for m in head.modules() if list(m.parameters(recurse=False))]
    assert owners
    assert set(owners) <= set(kit.made)


@pytest.mark.parametrize('name', METHODS)
def test_heads_of_every_method_are_built_of_equalised_layers_too(name):
    layers = EqualisedLayers()
    head = METHODS[name]().build_head(FEATURES, CLASSES, layers=layers)
    output = head(torch.randn(2, FEATURES), torch.tensor([0, 2]))
    assert output.logits.isfinite().all()
    assert not any(hasattr(m, 'parametrizations') for m in head.modules())


def test_a_backbones_own_kit_makes_the_head_of_its_discriminator():
    backbone = PlainBackbone()
    backbone.head_layers = Kit()
    discriminator, loss = build_discriminator(backbone, dict(type='PD'), CLASSES)
    head = discriminator.head
    assert backbone.head_layers.made == [head.adversarial, head.embedding]
    assert head.embedding.weight.shape == (CLASSES, backbone.out_channels)
    assert type(loss) is PD


def test_a_backbone_without_a_kit_gets_orthogonal_weights():
    discriminator, _ = build_discriminator(PlainBackbone(), dict(type='PD'), CLASSES)
    assert type(discriminator.head.layers) is OrthogonalLayers
