import pytest
import torch
from torch.nn import functional as F

from reacgan_plugin.backbones import BigGANDiscriminator, BigGANGenerator
from reacgan_plugin.backbones.biggan import DiscriminatorBlock, GeneratorBlock
from reacgan_plugin.conditioning import D2DCELoss
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.layers import SelfAttention, spectral_norm

CHUNKS = {32: 4, 64: 5, 128: 6, 256: 7, 512: 8}  # of z, one block a doubling
LABEL = torch.tensor([0, 2])


def generator(size=32, **options):
    """A tiny one, with one number of z a chunk."""
    widths = dict(base_channels=4, z_dim=2 * CHUNKS[size], shared_dim=3)
    return BigGANGenerator(size=size, **{'num_classes': 3, **widths, **options})


def discriminator(size=32, *, base_channels=4, **options):
    return BigGANDiscriminator(size=size, base_channels=base_channels, **options)


def images(size=32, rows=2):
    return torch.rand(rows, 3, size, size) * 2 - 1


@torch.no_grad()
@pytest.mark.parametrize('size', CHUNKS)
def test_generators_make_images_and_discriminators_features_of_every_size(size):
    z = torch.randn(2, 2 * CHUNKS[size])
    image = generator(size, attention_at=()).eval()(z, LABEL)
    assert image.shape == (2, 3, size, size)
    backbone = discriminator(size, attention_at=()).eval()
    assert backbone(image).shape == (2, backbone.out_channels)


# Counts of the published networks' state dicts.
PUBLISHED = {
    'CIFAR10': (32, 10, 96, 80, (16,), 512, 9_416_196, 2_517_186),
    'Baby ImageNet': (64, 100, 80, 100, (32,), 768, 17_322_404, 31_601_330),
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


def test_images_stay_between_minus_one_and_one():
    built = generator(spectral_norm=False)
    built.output.weight.data.mul_(100)
    image = built(torch.randn(2, 8), LABEL)
    assert image.abs().max() <= 1
    assert image.min() < -0.9
    assert image.max() > 0.9


@pytest.mark.parametrize(
    'size, depth, z_dim, nearest',
    [(32, 1, 81, '80 or 84'), (128, 1, 128, '126 or 132'), (32, 2, 80, '77 or 84')],
)
def test_a_z_that_does_not_split_raises_and_names_the_nearest(
    size, depth, z_dim, nearest
):
    with pytest.raises(ValueError, match=f'z_dim={z_dim} .*nearest: {nearest}'):
        generator(size, depth=depth, z_dim=z_dim)


@pytest.mark.parametrize('network', [BigGANGenerator, BigGANDiscriminator])
def test_a_size_that_is_not_prepared_raises_and_lists_the_others(network):
    with pytest.raises(ValueError, match='size 48 .*allowed: 32, 64, 128, 256, 512'):
        network(size=48)


@pytest.mark.parametrize(
    'label, message',
    [
        (torch.tensor([0.0, 1.0]), 'float32; allowed: integers'),
        (torch.tensor([[0], [1]]), r'\(2, 1\); allowed: \(2,\)'),
        (torch.tensor([0, 3]), r'class 3; allowed: 0\.\.2'),
        (torch.tensor([0, 1, 2]), '3 entries for 2 samples'),
    ],
)
def test_labels_that_do_not_fit_raise(label, message):
    with pytest.raises(ValueError, match=message):
        generator()(torch.randn(2, 8), label)


def test_a_generator_without_classes_takes_no_label():
    built = generator(num_classes=None)
    assert 'class_embedding.weight' not in built.state_dict()
    assert built.blocks[0].norm1.gain.in_features == 2  # its chunk of z alone
    assert built(torch.randn(2, 8)).shape == (2, 3, 32, 32)


def kinds(network):
    return ''.join('A' if isinstance(b, SelfAttention) else 'b' for b in network.blocks)


@pytest.mark.parametrize(
    'size, at, depth, in_generator, in_discriminator',
    [
        (32, (), 1, 'bbb', 'bbbb'),
        (32, (16,), 1, 'bbAb', 'bAbbb'),
        (32, (8, 16), 1, 'bAbAb', 'bAbAbb'),
        (64, (16, 32), 1, 'bbAbAb', 'bAbAbbb'),
        (32, (16,), 2, 'bbbbAbb', 'bbAbbbbbb'),
        (128, (64,), 1, 'bbbbAb', 'bAbbbbb'),
    ],
)
def test_attention_follows_the_blocks_of_its_sizes(
    size, at, depth, in_generator, in_discriminator
):
    # wide enough for an eighth of it; without spectral norm they are built quickly
    options = dict(base_channels=8, attention_at=at, depth=depth, spectral_norm=False)
    built = generator(size, z_dim=(CHUNKS[size] - 1) * depth + 1, **options)
    backbone = discriminator(size, **options)
    assert kinds(built) == in_generator
    assert kinds(backbone) == in_discriminator


@pytest.mark.parametrize('network', [BigGANGenerator, BigGANDiscriminator])
def test_attention_where_no_features_have_that_size_raises(network):
    with pytest.raises(ValueError, match='attention_at has 4; features .*8'):
        network(size=32, attention_at=(4,))


def test_images_and_z_of_another_size_raise():
    with pytest.raises(ValueError, match=r'\(64, 64\) pixels.*32 x 32'):
        discriminator()(torch.randn(2, 3, 64, 64))
    with pytest.raises(ValueError, match=r'z has shape \(2, 9\); allowed: \(N, 8\)'):
        generator()(torch.randn(2, 9), LABEL)
    with pytest.raises(ValueError, match='needs labels'):
        generator()(torch.randn(2, 8))


def attended_sizes(network, *inputs):
    sizes = []
    for block in network.blocks:
        if isinstance(block, SelfAttention):
            block.register_forward_hook(lambda *call: sizes.append(call[2].shape[-1]))
    network(*inputs)
    return sizes


def test_attention_sees_features_of_the_sizes_asked_for():
    at = (8, 16)
    built, backbone = generator(attention_at=at), discriminator(attention_at=at)
    assert attended_sizes(built, torch.randn(2, 8), LABEL) == [8, 16]
    assert attended_sizes(backbone, images()) == [16, 8]


@torch.no_grad()
@pytest.mark.parametrize('depth', [1, 2])
@pytest.mark.parametrize('size, smallest', [(32, 8), (64, 4)])
def test_discriminators_halve_once_a_stage_whatever_their_depth(size, smallest, depth):
    backbone = discriminator(size, attention_at=(), depth=depth).eval()
    assert backbone.blocks(images(size)).shape[2:] == (smallest, smallest)


def test_deeper_networks_run_and_reach_every_parameter():
    built = generator(depth=2, z_dim=14)
    backbone = discriminator(depth=2)
    for network in (built, backbone):  # attention starts at zero, which stops gradients
        for name, parameter in network.named_parameters():
            if name.endswith('.weight') and parameter.shape == (1,):
                parameter.data.fill_(0.5)
    backbone(built(torch.randn(2, 14), LABEL)).square().sum().backward()
    for network in (built, backbone):
        for name, parameter in network.named_parameters():
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().max() > 0, name
    assert len(backbone.blocks) == 9


@pytest.mark.parametrize('depth', [1, 2])
@pytest.mark.parametrize('spectral_norm', [True, False])
def test_a_dark_image_gets_a_gradient_at_every_pixel(spectral_norm, depth):
    # An activation on the raw image would cut off all that is below zero.
    backbone = discriminator(spectral_norm=spectral_norm, depth=depth)
    image = -images().abs()
    image.requires_grad_()
    backbone(image).square().sum().backward()
    assert torch.count_nonzero(image.grad) == image.numel()


def by_the_drawing(block, x, *, first, spectral_norm):
    """A discriminator's block in the published order: a skip path is convolved, then
    averaged, but in the first block."""
    pool = (lambda h: F.avg_pool2d(h, 2)) if block.downsample else (lambda h: h)
    h = x if first else F.relu(block.norm1(x))
    skip = h if spectral_norm else x
    h = pool(block.conv2(F.relu(block.norm2(block.conv1(h)))))
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


@pytest.mark.parametrize('upsample', [True, False])
def test_generator_blocks_equal_the_published_order(upsample):
    block = GeneratorBlock(4, 6, 3, upsample=upsample).eval()
    x, condition = torch.randn(2, 4, 5, 5), torch.randn(2, 3)
    grow = (lambda h: F.interpolate(h, scale_factor=2)) if upsample else (lambda h: h)
    h = block.conv1(grow(F.relu(block.norm1(x, condition))))
    h = block.conv2(F.relu(block.norm2(h, condition)))
    expected = h + block.shortcut(grow(x))
    assert torch.allclose(block(x, condition), expected, atol=1e-5)


def test_negative_features_get_a_gradient_through_a_generator_block():
    block = GeneratorBlock(4, 6, 3)
    x = -torch.rand(2, 4, 5, 5)
    x.requires_grad_()
    block(x, torch.randn(2, 3)).square().sum().backward()
    assert torch.count_nonzero(x.grad) == x.numel()


def test_the_class_and_every_number_of_z_change_the_image():
    built = generator().eval()
    z = torch.randn(2, 8).requires_grad_()
    image = built(z, torch.tensor([1, 1]))
    other = built(z, torch.tensor([1, 2]))
    assert torch.equal(image[0], other[0])
    assert (image[1] - other[1]).abs().mean() > 1e-4
    image.square().sum().backward()
    assert torch.count_nonzero(z.grad) == z.numel()


@torch.no_grad()
@pytest.mark.parametrize('spectral_norm', [True, False])
def test_evaluation_is_deterministic(spectral_norm):
    built = generator(spectral_norm=spectral_norm).eval()
    backbone = discriminator(spectral_norm=spectral_norm).eval()
    z = torch.randn(2, 8)
    image = built(z, LABEL)
    assert torch.equal(image, built(z, LABEL))
    assert torch.equal(backbone(image), backbone(image))
    alone = built(z[:1], LABEL[:1])  # nor does the rest of the batch matter
    assert torch.allclose(image[:1], alone, atol=1e-5)


@torch.no_grad()
def test_memory_format_does_not_matter():
    built, backbone = generator().eval(), discriminator().eval()
    z = torch.randn(2, 8)
    image = built(z, LABEL)
    features = backbone(image)
    for network in (built, backbone):
        network.to(memory_format=torch.channels_last)
    last = built(z, LABEL)
    assert torch.allclose(last, image, atol=1e-4)
    last = last.contiguous(memory_format=torch.channels_last)
    assert torch.allclose(backbone(last), features, rtol=1e-4, atol=1e-4)


def test_features_are_summed_over_positions():
    backbone = discriminator().eval()
    image = images()
    rows = F.relu(backbone.blocks(image)).flatten(2)
    expected = torch.stack([row.sum(1) for row in rows])
    assert torch.allclose(backbone(image), expected, rtol=1e-5)


@pytest.mark.parametrize('make', [generator, discriminator])
def test_without_spectral_norm_no_weight_is_parametrized(make):
    names = make(spectral_norm=False).state_dict()
    assert not [name for name in names if 'parametrizations' in name]


def test_the_shared_class_embedding_is_left_without_spectral_norm():
    names = [name for name in generator().state_dict() if 'class_embedding' in name]
    assert names == ['class_embedding.weight']
