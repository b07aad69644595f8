from functools import partial

import pytest
import torch
from plain_convolution import convolved
from torch.nn import functional as F

from reacgan_plugin.backbones import BigGANDiscriminator, BigGANGenerator
from reacgan_plugin.backbones.biggan import DiscriminatorBlock, GeneratorBlock
from reacgan_plugin.conditioning import D2DCELoss
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.layers import (
    ConditionalBatchNorm2d,
    SelfAttention,
    spectral_norm,
)

CHUNKS = {32: 4, 64: 5, 128: 6}  # of z, one block a doubling
LABEL = torch.tensor([0, 2])


def generator(size=32, **options):
    """A tiny one, with two numbers of z a chunk."""
    widths = dict(base_channels=4, z_dim=2 * CHUNKS[size], shared_dim=3)
    return BigGANGenerator(size=size, **{'num_classes': 3, **widths, **options})


def discriminator(size=32, *, base_channels=4, **options):
    return BigGANDiscriminator(size=size, base_channels=base_channels, **options)


# Counts of the published networks' state dicts.
PUBLISHED = {
    'CIFAR10': (32, 10, 96, 80, (16,), 512, 9_416_196, 2_517_186),
    'Baby ImageNet': (64, 100, 80, 100, (32,), 768, 17_322_404, 31_601_330),
    'CUB200': (128, 200, 80, 120, (64,), 1024, 49_226_404, 61_551_026),
    'ImageNet': (128, 1000, 96, 120, (64,), 2048, 70_433_988, 91_642_146),
}


@pytest.mark.parametrize('name', PUBLISHED)
def test_parameters_are_as_many_as_in_the_published_networks(name, monkeypatch):
    monkeypatch.setattr(spectral_norm, 'WARM_UP', 0)  # no numbers, nothing to settle
    size, classes, width, z_dim, at, embed_dim, *expected = PUBLISHED[name]
    options = dict(size=size, base_channels=width, attention_at=at)
    with torch.device('meta'):
        built = BigGANGenerator(num_classes=classes, z_dim=z_dim, **options)
        backbone = BigGANDiscriminator(**options)
        loss = D2DCELoss(embed_dim=embed_dim)
        head = loss.build_head(backbone.out_channels, classes)
    networks = built, Discriminator(backbone, head)
    counts = [sum(p.numel() for p in network.parameters()) for network in networks]
    assert counts == expected


@pytest.mark.parametrize(
    'size, z_dim, nearest',
    [
        (32, 81, '80 or 84'),
        (128, 128, '126 or 132'),
        ((64, 80), 4, '5'),
        (1024, 120, '117 or 126'),
    ],
)
def test_a_z_that_does_not_split_raises_and_names_the_nearest(size, z_dim, nearest):
    with pytest.raises(ValueError, match=f'z_dim={z_dim} .*nearest: {nearest}$'):
        BigGANGenerator(size=size, z_dim=z_dim)


def test_without_classes_the_condition_is_the_chunk_of_z_alone():
    assert generator(num_classes=None).blocks[0].norm1.gain.in_features == 2
    assert generator().blocks[0].norm1.gain.in_features == 2 + 3


def test_each_chunk_of_z_enters_at_its_own_block():
    built = generator(attention_at=()).eval()
    seen = []
    for block in built.blocks:
        block.register_forward_pre_hook(lambda block, inputs: seen.append(inputs[1]))
    z = torch.randn(2, 8)
    built(z, LABEL)
    shared = built.class_embedding.weight[LABEL]
    assert len(seen) == 3
    for chunk, condition in zip(z.split(2, dim=1)[1:], seen, strict=True):
        assert torch.equal(condition, torch.cat([shared, chunk], dim=1))


def kinds(network):
    return ''.join('A' if isinstance(b, SelfAttention) else 'b' for b in network.blocks)


@pytest.mark.parametrize(
    'size, at, in_generator, in_discriminator',
    [
        (32, (), 'bbb', 'bbbb'),
        (32, (16,), 'bbAb', 'bAbbb'),
        (32, (8, 16), 'bAbAb', 'bAbAbb'),
        (64, (16, 32), 'bbAbAb', 'bAbAbbb'),
        (128, (64,), 'bbbbAb', 'bAbbbbb'),
    ],
)
def test_attention_follows_the_blocks_of_its_sizes(
    size, at, in_generator, in_discriminator
):
    # wide enough for an eighth of it; without spectral norm they are built quickly
    options = dict(base_channels=8, attention_at=at, spectral_norm=False)
    assert kinds(generator(size, **options)) == in_generator
    assert kinds(discriminator(size, **options)) == in_discriminator


@pytest.mark.parametrize('spectral_norm', [True, False])
def test_a_dark_image_gets_a_gradient_at_every_pixel(spectral_norm):
    # An activation on the raw image would cut off all that is below zero.
    backbone = discriminator(spectral_norm=spectral_norm)
    image = -torch.rand(2, 3, 32, 32)
    image.requires_grad_()
    backbone(image).square().sum().backward()
    assert torch.count_nonzero(image.grad) == image.numel()


def by_the_drawing(block, x, *, first, spectral_norm):
    """A discriminator's block in the published order: a skip path is convolved, then
    averaged, but in the first block."""
    pool = (lambda h: F.avg_pool2d(h, 2)) if block.downsample else (lambda h: h)
    h = x if first else F.relu(block.norm1(x))
    skip = h if spectral_norm else x
    h = pool(convolved(block.conv2, F.relu(block.norm2(block.conv1(h)))))
    if block.shortcut is None:
        return h + pool(skip)
    if first:
        return h + block.shortcut(block.shortcut_norm(pool(skip)))
    return h + pool(block.shortcut(block.shortcut_norm(skip)))


@pytest.mark.parametrize('spectral_norm', [True, False])
@pytest.mark.parametrize('width', [4, 6])
@pytest.mark.parametrize('downsample', [True, False])
@pytest.mark.parametrize('first', [True, False])
def test_discriminator_blocks_equal_the_published_order(
    first, downsample, width, spectral_norm
):
    options = dict(first=first, spectral_norm=spectral_norm)
    block = DiscriminatorBlock(4, width, downsample=downsample, **options).eval()
    x = torch.randn(2, 4, 6, 6)
    assert torch.allclose(block(x), by_the_drawing(block, x, **options), atol=1e-5)
    has_shortcut = first or downsample or width != 4
    assert (block.shortcut is not None) is has_shortcut


def generator_block():
    return GeneratorBlock(4, 6, partial(ConditionalBatchNorm2d, condition_dim=3))


def test_generator_blocks_equal_the_published_order():
    block = generator_block().eval()
    x, condition = torch.randn(2, 4, 5, 5), torch.randn(2, 3)
    h = F.relu(block.norm1(x, condition))
    h = convolved(block.conv1, F.interpolate(h, scale_factor=2))
    h = block.conv2(F.relu(block.norm2(h, condition)))
    expected = h + convolved(block.shortcut, F.interpolate(x, scale_factor=2))
    assert torch.allclose(block(x, condition), expected, atol=1e-5)


def test_negative_features_get_a_gradient_through_a_generator_block():
    x = -torch.rand(2, 4, 5, 5)
    x.requires_grad_()
    generator_block()(x, torch.randn(2, 3)).square().sum().backward()
    assert torch.count_nonzero(x.grad) == x.numel()


def test_the_shared_class_embedding_is_left_without_spectral_norm():
    names = [name for name in generator().state_dict() if 'class_embedding' in name]
    assert names == ['class_embedding.weight']


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('graph', [True, False])
def test_blocks_leave_their_input_as_it_is(training, graph):
    # without a graph they write over maps of their own
    x, condition = torch.randn(2, 4, 6, 6), torch.randn(2, 3)
    before = x.clone()
    block = generator_block().train(training)
    with torch.set_grad_enabled(graph):
        block(x, condition)
        for options in (dict(first=True), dict(), dict(spectral_norm=False)):
            DiscriminatorBlock(4, 6, downsample=True, **options).train(training)(x)
    assert torch.equal(x, before)


def test_images_are_the_same_to_the_bit_with_and_without_a_graph():
    backbone = generator().eval()
    z, label = torch.randn(3, 8), torch.tensor([0, 2, 1])
    with torch.no_grad():
        sampled = backbone(z, label)
    assert torch.equal(sampled, backbone(z, label))


@pytest.mark.parametrize('network', [generator, discriminator])
def test_every_module_takes_a_full_backward_hook(network):
    backbone, seen = network(), []
    for module in backbone.modules():
        module.register_full_backward_hook(lambda *_: seen.append(1))
    z, image = torch.randn(2, 8), torch.randn(2, 3, 32, 32)
    arguments = (z, LABEL) if network is generator else (image,)
    arguments[0].requires_grad_()
    backbone(*arguments).sum().backward()
    assert seen
