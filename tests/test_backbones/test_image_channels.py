"""Grey images, of one channel, through every pair of networks."""

import pytest
import torch

from reacgan_plugin.backbones import (
    BigGANDeepDiscriminator,
    BigGANDeepGenerator,
    BigGANDiscriminator,
    BigGANGenerator,
    CodedGenerator,
    ResNetDiscriminator,
    ResNetGenerator,
    StyleGAN2Discriminator,
    StyleGAN2Generator,
    TimmDiscriminator,
)

RESIDUAL = dict(base_channels=4, attention_at=())
STYLES = dict(channel_base=64, channel_max=8)
OF_STYLES = dict(w_dim=8, mapping_layers=1, **STYLES)
GENERATORS = {
    'biggan': (BigGANGenerator, RESIDUAL),
    'deep': (BigGANDeepGenerator, RESIDUAL),
    'resnet': (ResNetGenerator, RESIDUAL),
    'stylegan2': (StyleGAN2Generator, OF_STYLES),
}
DISCRIMINATORS = {
    'biggan': (BigGANDiscriminator, RESIDUAL),
    'deep': (BigGANDeepDiscriminator, RESIDUAL),
    'resnet': (ResNetDiscriminator, RESIDUAL),
    'stylegan2': (StyleGAN2Discriminator, STYLES),
    'stylegan2 skip': (StyleGAN2Discriminator, dict(architecture='skip', **STYLES)),
}
LABEL = torch.tensor([0, 2])

each_generator = pytest.mark.parametrize('family', GENERATORS)
each_discriminator = pytest.mark.parametrize('family', DISCRIMINATORS)


def generator(family, **options):
    kind, tiny = GENERATORS[family]
    return kind(size=16, num_classes=3, z_dim=6, **tiny, **options)


def discriminator(family, **options):
    kind, tiny = DISCRIMINATORS[family]
    return kind(size=16, **tiny, **options)


@each_generator
@pytest.mark.parametrize('channels', [1, 3])
def test_a_generator_makes_images_of_its_channels(family, channels):
    network = generator(family, image_channels=channels)
    image = network(torch.randn(2, 6), LABEL)
    assert image.shape == (2, channels, 16, 16)
    assert network.image_channels == channels
    assert generator(family).image_channels == 3


def test_a_generator_around_another_one_has_its_channels():
    inner = generator('biggan', image_channels=1)
    assert CodedGenerator(inner).image_channels == 1


@each_discriminator
@pytest.mark.parametrize('channels', [1, 3])
def test_a_discriminator_sees_images_of_its_channels_and_refuses_others(
    family, channels
):
    network = discriminator(family, image_channels=channels)
    image = torch.rand(4, channels, 16, 16, requires_grad=True)
    network(image).square().sum().backward()
    assert image.grad.abs().sum() > 0
    message = rf'have {4 - channels} channel.*image_channels={channels}'
    with pytest.raises(ValueError, match=message):
        network(torch.rand(4, 4 - channels, 16, 16))


@each_generator
@pytest.mark.parametrize('build', [generator, discriminator])
@pytest.mark.parametrize('channels', [0, 1.5, '1', True])
def test_channels_that_are_no_number_of_them_raise(family, build, channels):
    with pytest.raises(ValueError, match='image_channels='):
        build(family, image_channels=channels)


def test_a_network_of_timm_sees_grey_as_three_equal_colours():
    network = TimmDiscriminator(name='test_resnet').eval()
    grey = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(network(grey), network(grey.expand(-1, 3, -1, -1)))


@each_generator
@pytest.mark.parametrize(
    'label, message',
    [
        (torch.tensor([1, 3]), r'class 3; allowed: 0\.\.2'),
        (torch.tensor([-1, 0]), r'class -1; allowed: 0\.\.2'),
        (torch.tensor([0.0, 1.0]), 'float32; allowed: integers'),
        (torch.eye(3, dtype=torch.int64)[:2], r'\(2, 3\).*argmax'),
        (torch.tensor([[0], [1]]), r'\(2, 1\).*squeeze'),
        ([0, 1], 'label is a list; allowed: a tensor'),
    ],
)
def test_a_generator_refuses_labels_that_are_no_classes(family, label, message):
    with pytest.raises(ValueError, match=message):
        generator(family)(torch.randn(2, 6), label)
