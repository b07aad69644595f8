import pytest
import torch
from torch.nn import functional as F

from reacgan_plugin.backbones.stylegan2_discriminator import (
    ARCHITECTURES,
    StyleGAN2Discriminator,
)
from reacgan_plugin.layers.resample import downsample


def discriminator(size=16, **options):
    widths = dict(channel_base=64, channel_max=8)
    return StyleGAN2Discriminator(size=size, **{**widths, **options})


def images(*sides, rows=4):
    return torch.rand(rows, 3, *(sides or (16, 16))) * 2 - 1


@torch.no_grad()
@pytest.mark.parametrize('architecture', ARCHITECTURES)
@pytest.mark.parametrize('size', [8, 64, (32, 64), (24, 16)])
def test_images_of_every_size_become_features(size, architecture):
    backbone = discriminator(size, architecture=architecture)
    sides = (size, size) if isinstance(size, int) else size
    assert backbone(images(*sides)).shape == (4, backbone.out_channels)
    assert backbone.size == size
    assert backbone.out_channels == 8


def test_widths_follow_the_short_side():
    backbone = discriminator((32, 64), channel_base=128, channel_max=12)
    widths = {side: b.conv1.bias.numel() for side, b in backbone.stages.items()}
    assert widths == {'32': 8, '16': 12, '8': 12}
    assert backbone.stages['32'].conv0.in_channels == 4
    assert backbone.epilogue.fc.in_features == 12 * 4 * 8


def test_parameters_are_as_many_as_in_the_published_network():
    with torch.device('meta'):
        backbone = StyleGAN2Discriminator(size=1024)
    logit = backbone.out_channels + 1
    assert sum(p.numel() for p in backbone.parameters()) + logit == 29_012_513


@torch.no_grad()
def test_a_residual_block_adds_both_paths_at_unit_variance():
    block = discriminator(channel_base=1024, channel_max=64).stages['8']
    x = torch.randn(16, 64, 8, 8)
    y, _ = block(x, images(8, 8, rows=16))
    blurred = downsample(x, block.resample_filter)
    skip = F.conv2d(blurred, block.skip.weight / 8) * 0.5**0.5
    assert torch.allclose(y, block.conv1(block.conv0(x)) + skip, atol=1e-5)
    assert block.skip.bias is None
    assert block.conv1.bias_gain == pytest.approx(1.0)  # sqrt(2) x sqrt(1 / 2)


@torch.no_grad()
def test_an_original_block_has_one_path():
    block = discriminator(architecture='orig').stages['8']
    x = torch.randn(4, 8, 8, 8)
    y, image = block(x, images(8, 8))
    assert torch.equal(y, block.conv1(block.conv0(x)))
    assert block.skip is block.fromrgb is None
    assert image.shape == (4, 3, 8, 8)


@torch.no_grad()
def test_a_skip_network_looks_at_the_halved_image_of_every_resolution():
    backbone = discriminator(architecture='skip')
    seen = []
    for block in (*backbone.stages.values(), backbone.epilogue):
        block.fromrgb.register_forward_hook(lambda *call: seen.append(call[1][0]))
    image = images()
    backbone(image)
    assert [tuple(x.shape[2:]) for x in seen] == [(16, 16), (8, 8), (4, 4)]
    blur = backbone.stages['16'].resample_filter
    assert torch.equal(seen[0], image)
    assert torch.allclose(seen[2], downsample(downsample(image, blur), blur))


@pytest.mark.parametrize('architecture', ARCHITECTURES)
def test_gradients_reach_every_parameter_and_pixel(architecture):
    backbone = discriminator(architecture=architecture)
    image = images().requires_grad_()
    backbone(image).square().sum().backward()
    for name, parameter in backbone.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name
    assert torch.count_nonzero(image.grad) == image.numel()


@pytest.mark.parametrize('architecture', ARCHITECTURES)
def test_gradients_of_gradients_agree_with_finite_differences(architecture):
    backbone = discriminator(
        8, architecture=architecture, channel_base=16, channel_max=2, stddev_group=2
    )
    backbone.double()
    image = images(8, 8, rows=2).double().requires_grad_()
    weight = backbone.stages['8'].conv0.weight
    penalties = []
    step = torch.randn_like(weight) * 1e-6
    for sign in (1, -1):
        weight.data += sign * step
        logits = backbone(image).square().sum()
        (gradient,) = torch.autograd.grad(logits, image)
        penalties.append(gradient.square().sum())
        weight.data -= sign * step
    (gradient,) = torch.autograd.grad(
        backbone(image).square().sum(), image, create_graph=True
    )
    (slope,) = torch.autograd.grad(gradient.square().sum(), weight)
    expected = (penalties[0] - penalties[1]) / 2
    assert torch.allclose((slope * step).sum(), expected, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize('rows', [1, 2, 3, 5, 8])
def test_any_number_of_rows_works(rows):
    assert discriminator()(images(rows=rows)).shape == (rows, 8)


@torch.no_grad()
def test_samples_of_a_batch_see_how_much_they_differ():
    image = images()
    same = image[:1].expand(4, -1, -1, -1)
    backbone = discriminator()
    assert not torch.allclose(backbone(image)[0], backbone(same)[0], atol=1e-4)
    alone = discriminator(stddev_channels=0)
    assert torch.allclose(alone(image)[0], alone(same)[0], atol=1e-5)


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(size=48), 'nearest: 32 or 64'),
        (dict(architecture='residual'), "architecture='residual'"),
        (dict(stddev_channels=3), 'stddev_channels=3 does not divide the 8'),
        (dict(stddev_group=0), 'group=0'),
        (dict(channel_base=4), 'channel_base=4'),
    ],
)
def test_an_option_that_is_not_possible_raises(options, message):
    with pytest.raises(ValueError, match=message):
        discriminator(**options)


@pytest.mark.parametrize('sides', [(32, 32), (16, 8)])
def test_images_of_another_size_raise(sides):
    with pytest.raises(ValueError, match=r'pixels, .*built for 16 x 16'):
        discriminator()(images(*sides))


@torch.no_grad()
def test_outputs_of_convolutions_are_clamped_where_asked_for():
    backbone, outputs = discriminator(clamp=0.1), []
    for name, module in backbone.named_modules():
        if type(module).__name__ == 'EqualisedConv2d' and not name.endswith('skip'):
            module.register_forward_hook(lambda *call: outputs.append(call[2]))
    backbone(images())
    assert len(outputs) == 6
    assert max(y.abs().max().item() for y in outputs) == pytest.approx(0.1)


@torch.no_grad()
def test_autocast_gives_nearly_the_same_features():
    backbone, image = discriminator(), images()
    expected = backbone(image)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        features = backbone(image)
    error = (features.float() - expected).abs().max() / expected.abs().max()
    assert 0 < error < 0.05


@torch.no_grad()
def test_memory_format_does_not_matter():
    backbone, image = discriminator(), images()
    features = backbone(image)
    backbone.to(memory_format=torch.channels_last)
    last = backbone(image.contiguous(memory_format=torch.channels_last))
    assert torch.allclose(features, last, atol=1e-5)
