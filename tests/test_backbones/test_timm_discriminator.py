import pytest
import torch
from tiny_gan import CLASSES, PlainGenerator, batch, optimizers
from torch.nn.utils import parametrize

from reacgan_plugin.backbones import TimmDiscriminator
from reacgan_plugin.conditioning import D2DCELoss
from reacgan_plugin.data.preprocess import ImagePreprocessor
from reacgan_plugin.gan.adversarial import Hinge
from reacgan_plugin.gan.model import ConditionalGAN

IMAGE = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize('trained', [True, False])
def test_features_are_the_networks_own(trained):
    backbone = TimmDiscriminator(name='test_resnet', trained=trained).eval()
    found = backbone(IMAGE)
    assert torch.equal(found, backbone.features(IMAGE)[0])
    assert found.shape == (2, backbone.out_channels)


def test_maps_are_averaged_and_stand_side_by_side():
    backbone = TimmDiscriminator(name='test_resnet', out_indices=(1, 3)).eval()
    maps = backbone.features(IMAGE)
    expected = torch.cat([x.mean((2, 3)) for x in maps], dim=1)
    found = backbone(IMAGE)
    assert torch.allclose(found, expected, atol=1e-6)
    assert found.shape == (2, backbone.out_channels)


@pytest.mark.parametrize('indices', [(), 2])
def test_stages_that_are_none_raise(indices):
    with pytest.raises(ValueError, match='out_indices=.*; allowed: '):
        TimmDiscriminator(name='test_resnet', out_indices=indices)


def test_spectral_norm_is_on_every_convolution():
    backbone = TimmDiscriminator(name='test_resnet', spectral_norm=True)
    layers = [m for m in backbone.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(layers) > 5
    assert all(parametrize.is_parametrized(layer) for layer in layers)
    backbone(IMAGE).sum().backward()
    for layer in layers:
        assert layer.parametrizations.weight.original.grad is not None


def test_a_network_that_is_not_trained_has_nothing_to_normalise():
    with pytest.raises(ValueError, match='spectral_norm: TimmDiscriminator has no'):
        TimmDiscriminator(name='test_resnet', trained=False, spectral_norm=True)


def gan(**settings):
    return ConditionalGAN(
        PlainGenerator(),
        TimmDiscriminator(name='test_resnet', size=8, resize=32, **settings),
        D2DCELoss(embed_dim=8),
        num_classes=CLASSES,
        adversarial_loss=Hinge(),
        data_preprocessor=ImagePreprocessor(),
    )


def test_of_a_discriminator_on_a_frozen_network_the_head_alone_learns():
    model = gan(trained=False)
    wanted = {name for name, p in model.named_parameters() if p.requires_grad}
    before = {name: p.clone() for name, p in model.named_parameters()}
    for _ in range(2):
        model.train_step(batch(), optimizers(model))
    changed = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert any(name.startswith('generator.') for name in changed)
    assert any(name.startswith('discriminator.head.') for name in changed)
    assert not any(name.startswith('discriminator.backbone.') for name in changed)
    # the generator's update froze and released what asks for a gradient, no more
    assert wanted == {name for name, p in model.named_parameters() if p.requires_grad}


def test_a_discriminator_on_a_network_of_timm_learns():
    model = gan(spectral_norm=True)
    weights = model.discriminator.backbone.named_parameters
    before = {name: p.clone() for name, p in weights()}
    for _ in range(2):  # its residual branches start at zero, and learn from then on
        model.train_step(batch(), optimizers(model))
    for name, parameter in weights():
        assert not torch.equal(parameter, before[name]), name
