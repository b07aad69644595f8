from functools import partial

import pytest
import torch
from plain_convolution import convolved
from torch.nn import functional as F

from reacgan_plugin.backbones.biggan_deep import (
    DISCRIMINATOR_BLOCKS,
    GENERATOR_BLOCKS,
    BigGANDeepDiscriminator,
    BigGANDeepGenerator,
)
from reacgan_plugin.conditioning import D2DCELoss
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.layers import (
    ConditionalBatchNorm2d,
    SelfAttention,
    spectral_norm,
)

LABEL = torch.tensor([0, 2])
NETWORKS = [BigGANDeepGenerator, BigGANDeepDiscriminator]
each_variant = pytest.mark.parametrize('variant', ['legacy', 'studiogan'])


def test_parameters_are_as_many_as_in_the_published_networks(monkeypatch):
    monkeypatch.setattr(spectral_norm, 'WARM_UP', 0)  # no numbers, nothing to settle
    with torch.device('meta'):
        built, backbone = BigGANDeepGenerator(), BigGANDeepDiscriminator()
        head = D2DCELoss(embed_dim=512).build_head(backbone.out_channels, 10)
    networks = built, Discriminator(backbone, head)
    counts = [sum(p.numel() for p in network.parameters()) for network in networks]
    assert counts == [7_762_948, 3_171_586]


@each_variant
@pytest.mark.parametrize('size, first', [(16, None), (32, None), (64, 1), (128, 1)])
def test_the_input_is_as_wide_as_the_variant_has_it(variant, size, first):
    options = dict(base_channels=4, attention_at=(), spectral_norm=False)
    backbone = BigGANDeepDiscriminator(size=size, variant=variant, **options)
    up_to_32 = {'legacy': 4, 'studiogan': 1}[variant]
    assert backbone.input.out_channels == 4 * (first or up_to_32)


def kinds(network):
    return ''.join('A' if isinstance(b, SelfAttention) else 'b' for b in network.blocks)


@each_variant
@pytest.mark.parametrize(
    'size, at, depth, in_generator, in_discriminator',
    [
        (32, (), 1, 'bbb', 'bbb'),
        (32, (16,), 2, 'bbbbAbb', 'bbAbbbb'),
        (64, (16, 32), 2, 'bbbbAbbAbb', 'bbAbbAbbbb'),
        (32, (8,), 3, 'bbbAbbbbbb', 'bbbbbbAbbb'),
    ],
)
def test_attention_follows_all_blocks_of_its_size(
    variant, size, at, depth, in_generator, in_discriminator
):
    options = dict(
        size=size,
        base_channels=8,
        attention_at=at,
        depth=depth,
        variant=variant,
        spectral_norm=False,
    )
    assert kinds(BigGANDeepGenerator(**options)) == in_generator
    assert kinds(BigGANDeepDiscriminator(**options)) == in_discriminator


@torch.no_grad()
@each_variant
@pytest.mark.parametrize('depth', [1, 3])
@pytest.mark.parametrize('size, smallest', [(32, 8), (64, 4)])
def test_sides_change_once_a_stage_whatever_the_depth(variant, depth, size, smallest):
    options = dict(
        size=size,
        base_channels=4,
        attention_at=(),
        depth=depth,
        variant=variant,
        spectral_norm=False,
    )
    built = BigGANDeepGenerator(num_classes=3, z_dim=4, **options).eval()
    image = built(torch.randn(2, 4), LABEL)
    assert image.shape[2:] == (size, size)
    backbone = BigGANDeepDiscriminator(**options).eval()
    assert backbone.blocks(backbone.input(image)).shape[2:] == (smallest, smallest)


def test_the_whole_condition_enters_at_the_start_and_at_every_block():
    built = BigGANDeepGenerator(
        num_classes=3, base_channels=4, z_dim=5, shared_dim=2, attention_at=()
    ).eval()
    seen = []
    built.input.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    for block in built.blocks:
        block.register_forward_pre_hook(lambda block, inputs: seen.append(inputs[1]))
    z = torch.randn(2, 5)
    built(z, LABEL)
    expected = torch.cat([built.class_embedding.weight[LABEL], z], dim=1)
    assert len(seen) == 1 + 6
    assert all(torch.equal(condition, expected) for condition in seen)


def test_without_classes_the_condition_is_z():
    built = BigGANDeepGenerator(
        num_classes=None, base_channels=4, z_dim=5, attention_at=()
    )
    assert built.input.in_features == built.blocks[0].norm1.gain.in_features == 5


@pytest.mark.parametrize('network', NETWORKS)
def test_an_unknown_variant_raises(network):
    with pytest.raises(ValueError, match="variant='studio'.*'legacy', 'studiogan'"):
        network(variant='studio')


@pytest.mark.parametrize('network', NETWORKS)
@pytest.mark.parametrize('depth', [0, -1])
def test_a_depth_below_one_raises(network, depth):
    with pytest.raises(ValueError, match=f'depth={depth} .*above 0'):
        network(depth=depth)


@pytest.mark.parametrize('network', NETWORKS)
def test_channels_too_few_for_a_bottleneck_raise(network):
    with pytest.raises(
        ValueError, match='bottleneck of 2 channels; allowed: 4 or more'
    ):
        network(size=64, base_channels=1, attention_at=())


def generator_by_the_drawing(block, x, condition, *, variant, upsample):
    """A generator's block in the order of the paper's figure."""
    grow = (lambda h: F.interpolate(h, scale_factor=2)) if upsample else (lambda h: h)
    h = block.conv1(F.relu(block.norm1(x, condition)))
    h = convolved(block.conv2, grow(F.relu(block.norm2(h, condition))))
    h = block.conv3(F.relu(block.norm3(h, condition)))
    h = block.conv4(F.relu(block.norm4(h, condition)))
    skip = grow(x)
    if variant == 'studiogan':
        return h + convolved(block.shortcut, skip)
    return h + skip[:, : h.shape[1]]


@each_variant
@pytest.mark.parametrize('upsample', [True, False])
@pytest.mark.parametrize('width', [8, 4])
def test_generator_blocks_equal_the_published_order(variant, upsample, width):
    norm = partial(ConditionalBatchNorm2d, condition_dim=3)
    block = GENERATOR_BLOCKS[variant](8, width, norm, upsample=upsample).eval()
    x, condition = torch.randn(2, 8, 5, 5), torch.randn(2, 3)
    expected = generator_by_the_drawing(
        block, x, condition, variant=variant, upsample=upsample
    )
    assert torch.allclose(block(x, condition), expected, atol=1e-5)
    hidden = [block.conv1.out_channels, block.conv2.out_channels]
    assert hidden == [2, 2]


def discriminator_by_the_drawing(block, x, *, variant, downsample):
    """A discriminator's block in the published order; its skip path is activated."""
    pool = (lambda h: F.avg_pool2d(h, 2)) if downsample else (lambda h: h)
    x = F.relu(x)
    h = block.conv2(F.relu(block.conv1(x)))
    h = convolved(block.conv3, F.relu(h))
    if variant == 'legacy':
        h = convolved(block.conv4, pool(F.relu(h)))
        skip = pool(x)
        if block.shortcut is not None:
            skip = torch.cat([skip, block.shortcut(skip)], dim=1)
    else:
        h = block.conv4(F.relu(pool(h)))
        skip = x if block.shortcut is None else pool(block.shortcut(x))
    return h + skip


@each_variant
@pytest.mark.parametrize('downsample', [True, False])
@pytest.mark.parametrize('width', [8, 12])
def test_discriminator_blocks_equal_the_published_order(variant, downsample, width):
    block = DISCRIMINATOR_BLOCKS[variant](8, width, downsample=downsample).eval()
    x = torch.randn(2, 8, 6, 6)
    expected = discriminator_by_the_drawing(
        block, x, variant=variant, downsample=downsample
    )
    assert torch.allclose(block(x), expected, atol=1e-5)
    has_shortcut = width != 8 or (variant == 'studiogan' and downsample)
    assert (block.shortcut is not None) is has_shortcut
    assert block.conv2.in_channels == width // 4


@each_variant
@pytest.mark.parametrize('graph', [True, False])
def test_blocks_leave_their_input_as_it_is(variant, graph):
    norm = partial(ConditionalBatchNorm2d, condition_dim=3)
    x, condition = torch.randn(2, 8, 6, 6), torch.randn(2, 3)
    before = x.clone()
    with torch.set_grad_enabled(graph):
        for resampled in (True, False):
            block = GENERATOR_BLOCKS[variant](8, 4, norm, upsample=resampled)
            block.eval()(x, condition)
            DISCRIMINATOR_BLOCKS[variant](8, 12, downsample=resampled).eval()(x)
    assert torch.equal(x, before)
