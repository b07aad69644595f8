"""What all residual networks have in common, whatever their family."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from reacgan_plugin.backbones.biggan import BigGANDiscriminator, BigGANGenerator
from reacgan_plugin.backbones.biggan_deep import (
    BigGANDeepDiscriminator,
    BigGANDeepGenerator,
)
from reacgan_plugin.backbones.resnet import ResNetDiscriminator, ResNetGenerator
from reacgan_plugin.layers import SelfAttention

FAMILIES = {
    'biggan': (BigGANGenerator, BigGANDiscriminator, {}),
    'deep': (BigGANDeepGenerator, BigGANDeepDiscriminator, {}),
    'deep studiogan': (
        BigGANDeepGenerator,
        BigGANDeepDiscriminator,
        dict(variant='studiogan'),
    ),
    'resnet': (ResNetGenerator, ResNetDiscriminator, {}),
}
TINY = dict(base_channels=4, attention_at=(), spectral_norm=False)
SIZES = [8, 16, 32, 64, 128, 256, 512, 1024]
OBLONG = [(8, 12), (24, 16), (32, 48), (64, 80), (256, 128)]
LABEL = torch.tensor([0, 2])

each_family = pytest.mark.parametrize('family', FAMILIES)


def z_dim_of(size):
    """Two numbers for the start and for each doubling, so that BigGAN can split it."""
    short = size if isinstance(size, int) else min(size)
    return 2 * (short.bit_length() - 2)


def generator(family, size=32, **options):
    """A tiny one of three classes; without spectral norm it is built quickly."""
    kind, _, variant = FAMILIES[family]
    tiny = dict(num_classes=3, z_dim=z_dim_of(size), **TINY)
    return kind(size=size, **{**tiny, **variant, **options})


def discriminator(family, size=32, **options):
    _, kind, variant = FAMILIES[family]
    return kind(size=size, **{**TINY, **variant, **options})


@torch.no_grad()
@each_family
@pytest.mark.parametrize('size', [*SIZES, *OBLONG])
def test_generators_make_images_and_discriminators_features_of_every_size(family, size):
    built, backbone = generator(family, size).eval(), discriminator(family, size).eval()
    image = built(torch.randn(1, z_dim_of(size)), LABEL[:1])
    sides = (size, size) if isinstance(size, int) else size
    assert image.shape == (1, 3, *sides)
    assert backbone(image).shape == (1, backbone.out_channels)
    assert built.size == backbone.size == size


@each_family
def test_a_pair_of_equal_sides_is_the_square(family):
    square, paired = generator(family), generator(family, [32, 32])
    assert paired.size == square.size == 32
    shapes = [
        {name: value.shape for name, value in network.state_dict().items()}
        for network in (square, paired)
    ]
    assert shapes[0] == shapes[1]


@each_family
def test_only_the_start_of_an_oblong_generator_has_more_parameters(family):
    square = generator(family).state_dict()
    oblong = generator(family, (32, 48)).state_dict()
    changed = {k.split('.')[0] for k in square if square[k].shape != oblong[k].shape}
    assert changed == {'input'}
    assert oblong['input.bias'].shape == (16 * 4 * 6,)


@each_family
@pytest.mark.parametrize('make', [generator, discriminator])
def test_a_size_that_is_not_prepared_raises(family, make):
    with pytest.raises(ValueError, match='short side 48; .*nearest: 32 or 64'):
        make(family, 48, **({'z_dim': 8} if make is generator else {}))


@each_family
def test_images_of_another_size_raise(family):
    with pytest.raises(ValueError, match=r'\(64, 64\) pixels.*32 x 32'):
        discriminator(family)(torch.randn(2, 3, 64, 64))
    with pytest.raises(ValueError, match=r'\(48, 32\) pixels.*32 x 48'):
        discriminator(family, (32, 48))(torch.randn(2, 3, 48, 32))


@each_family
def test_z_of_another_width_and_missing_labels_raise(family):
    """R35: never taken for a generator without classes."""
    built = generator(family)
    with pytest.raises(ValueError, match=r'z has shape \(2, 9\); allowed: \(N, 8\)'):
        built(torch.randn(2, 9), LABEL)
    with pytest.raises(ValueError, match='needs labels'):
        built(torch.randn(2, 8))


@each_family
@pytest.mark.parametrize(
    'label, message',
    [
        (torch.tensor([0.0, 1.0]), 'float32; allowed: integers'),
        (torch.tensor([[0], [1]]), r'\(2, 1\); allowed: \(2,\)'),
        (torch.tensor([0, 3]), r'class 3; allowed: 0\.\.2'),
        (torch.tensor([0, 1, 2]), '3 entries for 2 samples'),
    ],
)
def test_labels_that_do_not_fit_raise(family, label, message):
    """R34: for the embedding of generators too."""
    with pytest.raises(ValueError, match=message):
        generator(family)(torch.randn(2, 8), label)


@torch.no_grad()
@each_family
def test_labels_of_any_integer_type_make_the_same_image(family):
    built, z = generator(family).eval(), torch.randn(2, 8)
    expected = built(z, LABEL)
    for dtype in (torch.uint8, torch.int32):
        assert torch.equal(built(z, LABEL.to(dtype)), expected)


@each_family
def test_a_generator_without_classes_takes_no_label(family):
    built = generator(family, num_classes=None)
    assert 'class_embedding.weight' not in built.state_dict()
    assert built(torch.randn(2, 8)).shape == (2, 3, 32, 32)


@each_family
def test_the_class_and_every_number_of_z_change_the_image(family):
    built = generator(family).eval()
    z = torch.randn(2, 8).requires_grad_()
    image = built(z, torch.tensor([1, 1]))
    other = built(z, torch.tensor([1, 2]))
    assert torch.equal(image[0], other[0])
    assert (image[1] - other[1]).abs().mean() > 1e-4
    image.square().sum().backward()
    assert torch.count_nonzero(z.grad) == z.numel()


@each_family
def test_gradients_reach_every_parameter(family):
    # wide enough for an eighth of it
    wide = dict(base_channels=8, attention_at=(16,), spectral_norm=True)
    networks = generator(family, **wide), discriminator(family, **wide)
    for network in networks:  # attention starts at zero, which stops gradients
        for block in network.blocks:
            if isinstance(block, SelfAttention):
                block.weight.data.fill_(0.5)
    # running statistics: behind those of a batch, biases have no gradient
    built, backbone = networks[0].eval(), networks[1].eval()
    backbone(built(torch.randn(4, 8), torch.arange(4) % 3)).square().sum().backward()
    for network in networks:
        for name, parameter in network.named_parameters():
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().max() > 0, name


@torch.no_grad()
@each_family
@pytest.mark.parametrize('spectral_norm', [True, False])
def test_evaluation_is_deterministic(family, spectral_norm):
    options = dict(spectral_norm=spectral_norm)
    built = generator(family, **options).eval()
    backbone = discriminator(family, **options).eval()
    z = torch.randn(2, 8)
    image = built(z, LABEL)
    assert torch.equal(image, built(z, LABEL))
    assert torch.equal(backbone(image), backbone(image))
    alone = built(z[:1], LABEL[:1])  # nor does the rest of the batch matter
    assert torch.allclose(image[:1], alone, atol=1e-5)


@torch.no_grad()
@each_family
def test_memory_format_does_not_matter(family):
    built, backbone = generator(family).eval(), discriminator(family).eval()
    z = torch.randn(2, 8)
    image = built(z, LABEL)
    features = backbone(image)
    for network in (built, backbone):
        network.to(memory_format=torch.channels_last)
    last = built(z, LABEL)
    assert torch.allclose(last, image, atol=1e-4)
    last = last.contiguous(memory_format=torch.channels_last)
    assert torch.allclose(backbone(last), features, rtol=1e-4, atol=1e-4)


@each_family
@pytest.mark.parametrize('make', [generator, discriminator])
def test_spectral_norm_is_on_every_convolution_and_linear_map(family, make):
    def layers(network):
        kinds = nn.Conv2d, nn.Linear
        return [m for m in network.modules() if isinstance(m, kinds)]

    options = dict(base_channels=8, attention_at=(16,))
    normalised = layers(make(family, spectral_norm=True, **options))
    assert len(normalised) > 10
    assert all(parametrize.is_parametrized(layer, 'weight') for layer in normalised)
    names = make(family, spectral_norm=False, **options).state_dict()
    assert not [name for name in names if 'parametrizations' in name]


def attended_sides(network, *inputs):
    sides = []
    for block in network.blocks:
        if isinstance(block, SelfAttention):
            block.register_forward_hook(lambda *call: sides.append(call[2].shape[2:]))
    network(*inputs)
    return sides


@torch.no_grad()
@each_family
def test_attention_sees_features_of_the_short_sides_asked_for(family):
    wide = dict(attention_at=(32, 8), base_channels=8)
    built = generator(family, (64, 80), **wide).eval()
    backbone = discriminator(family, (64, 80), **wide).eval()
    image = torch.randn(2, 3, 64, 80)
    assert attended_sides(built, torch.randn(2, 10), LABEL) == [(8, 10), (32, 40)]
    assert attended_sides(backbone, image) == [(32, 40), (8, 10)]


@each_family
@pytest.mark.parametrize('make', [generator, discriminator])
def test_attention_where_no_features_have_that_side_raises(family, make):
    with pytest.raises(ValueError, match='attention_at has 4; features .* sides .*8'):
        make(family, attention_at=(16, 4))


@each_family
def test_attention_where_a_side_is_odd_raises(family):
    # behind 8 x 10 come 4 x 5
    with pytest.raises(ValueError, match='attention_at has 4, .* 4 x 5; .*even sides'):
        discriminator(family, (64, 80), attention_at=(8, 4))


def test_images_stay_between_minus_one_and_one():
    built = generator('biggan', spectral_norm=False)
    built.output.weight.data.mul_(100)
    image = built(torch.randn(2, 8), LABEL)
    assert image.abs().max() <= 1
    assert image.min() < -0.9
    assert image.max() > 0.9


def test_features_are_summed_over_positions():
    backbone = discriminator('biggan', (32, 40)).eval()
    image = torch.rand(2, 3, 32, 40) * 2 - 1
    rows = F.relu(backbone.blocks(image)).flatten(2)
    expected = torch.stack([row.sum(1) for row in rows])
    assert torch.allclose(backbone(image), expected, rtol=1e-5)
