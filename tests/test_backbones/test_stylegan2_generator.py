import pytest
import torch

from reacgan_plugin.backbones.stylegan2_generator import StyleGAN2Generator
from reacgan_plugin.layers import untracked_statistics
from reacgan_plugin.layers.resample import upsample

LABEL = torch.tensor([0, 2])
WIDTHS = dict(z_dim=6, w_dim=5, mapping_layers=2, channel_base=64, channel_max=8)


def generator(size=16, **options):
    """A tiny one, whose noise is heard."""
    built = StyleGAN2Generator(size=size, **{'num_classes': 3, **WIDTHS, **options})
    for name, parameter in built.named_parameters():
        if name.endswith('noise_strength'):
            parameter.data.fill_(0.3)
    return built


def latents(rows=2):
    return torch.randn(rows, 6)


@torch.no_grad()
@pytest.mark.parametrize(
    'size, start',
    [
        (8, (4, 4)),
        (32, (4, 4)),
        (64, (4, 4)),
        ((16, 16), (4, 4)),
        ([32, 64], (4, 8)),
        ((64, 96), (4, 6)),
        ((24, 16), (6, 4)),
    ],
)
def test_images_of_every_size_grow_from_a_start_of_four(size, start):
    built = generator(size)
    image = built(latents(), LABEL)
    height, width = (size, size) if isinstance(size, int) else size
    assert image.shape == (2, 3, height, width)
    assert built.synthesis.blocks['4'].const.shape[1:] == start
    assert built.size == (height if height == width else (height, width))


@pytest.mark.parametrize('size', [1024, (1024, 2048)])
def test_the_largest_have_18_layers_and_the_published_widths(size):
    with torch.device('meta'):
        built = StyleGAN2Generator(size=size, num_classes=None)
    assert built.synthesis.num_ws == 18
    assert list(built.synthesis.blocks) == [str(2**k) for k in range(2, 11)]
    widths = [block.conv1.bias.numel() for block in built.synthesis.blocks.values()]
    assert widths == [512, 512, 512, 512, 512, 256, 128, 64, 32]


def test_parameters_are_as_many_as_in_the_published_network():
    with torch.device('meta'):
        built = StyleGAN2Generator(size=1024, num_classes=None)
    assert sum(p.numel() for p in built.parameters()) == 30_370_060


@pytest.mark.parametrize('size', [4, 48, 2048, (64, 100)])
def test_a_size_that_is_not_possible_raises(size):
    with pytest.raises(ValueError, match='nearest'):
        generator(size)


def test_a_width_that_leaves_no_channel_raises():
    with pytest.raises(ValueError, match='channel_base=8.*16 x 16.*at least 16'):
        generator(channel_base=8)


@pytest.mark.parametrize('probability', [-0.1, 1.5])
def test_a_probability_of_mixing_out_of_range_raises(probability):
    with pytest.raises(ValueError, match='style_mixing'):
        generator(style_mixing=probability)


def test_the_image_sums_the_colours_of_all_resolutions():
    built = generator()
    ws = torch.randn(2, built.synthesis.num_ws, 5)
    colours, calls = [], built.synthesis.blocks.values()
    for block in calls:
        block.torgb.register_forward_hook(lambda *call: colours.append(call[2]))
    image = built.synthesis(ws, noise='none')
    expected = colours[0]
    for block, colour in zip(list(calls)[1:], colours[1:], strict=True):
        expected = colour + upsample(expected, block.resample_filter)
    assert torch.allclose(image, expected)


def test_every_layer_has_a_w_and_colours_share_that_of_the_layer_after():
    built = generator(8)
    seen = {}
    for name, module in built.named_modules():
        if name.endswith(('conv0', 'conv1', 'torgb')):
            module.affine.register_forward_hook(
                lambda m, inputs, _, name=name: seen.update({name: inputs[0]})
            )
    ws = torch.randn(2, built.synthesis.num_ws, 5)
    built.synthesis(ws)
    order = {'4.conv1': 0, '4.torgb': 1, '8.conv0': 1, '8.conv1': 2, '8.torgb': 3}
    for name, index in order.items():
        assert torch.equal(seen[f'synthesis.blocks.{name}'], ws[:, index]), name
    assert ws.shape[1] == 4


def test_every_layer_gets_the_same_w_unless_styles_are_mixed():
    built = generator().eval()
    z = latents()
    ws = built.styles(z, LABEL)
    w = built.mapping(z, LABEL)
    assert ws.shape == (2, 6, 5)
    assert torch.equal(ws, w[:, None].expand(-1, 6, -1))


def test_mixing_gives_a_last_part_of_the_layers_another_w():
    built = generator(style_mixing=1.0)
    z, label = latents(64), torch.zeros(64, dtype=torch.long)
    ws = built.styles(z, label)
    w = built.mapping(z, label)
    own = (ws == w[:, None]).all(2)
    assert own[:, 0].all()
    assert not own[:, -1].any()
    assert (own[:, 1:] <= own[:, :-1]).all()  # once another, another to the end
    assert set(own.sum(1).tolist()) == {1, 2, 3, 4, 5}
    # two different ws a sample at most, and the other z has the sample's own class
    assert all(len(row.unique(dim=0)) == 2 for row in ws)


def test_a_sample_is_mixed_with_the_probability_asked_for():
    built = generator(style_mixing=0.25)
    z, label = latents(400), torch.zeros(400, dtype=torch.long)
    ws = built.styles(z, label)
    mixed = (ws[:, -1] != ws[:, 0]).any(1).float().mean().item()
    assert mixed == pytest.approx(0.25, abs=0.07)


def test_mixing_is_of_training_alone_and_follows_the_seed():
    built = generator(style_mixing=1.0)
    z = latents()
    torch.manual_seed(3)
    ws = built.styles(z, LABEL)
    torch.manual_seed(3)
    assert torch.equal(built.styles(z, LABEL), ws)
    built.eval()
    assert torch.equal(built.styles(z, LABEL)[:, 0], built.styles(z, LABEL)[:, -1])


def test_the_average_of_w_follows_the_step_s_own_z_alone():
    built, plain = generator(style_mixing=1.0), generator()
    plain.load_state_dict(built.state_dict())
    z = latents()
    built(z, LABEL)
    plain(z, LABEL)
    assert torch.equal(built.mapping.w_avg, plain.mapping.w_avg)
    assert not torch.equal(built.mapping.w_avg, torch.zeros(5))
    before = built.mapping.w_avg.clone()
    with untracked_statistics(built):
        built(z, LABEL)
    assert torch.equal(built.mapping.w_avg, before)


def test_noise_is_random_in_training_and_constant_in_evaluation():
    built = generator()
    z = latents()

    def differs(**options):
        return not torch.equal(built(z, LABEL, **options), built(z, LABEL, **options))

    assert differs()
    assert not differs(noise='const')
    assert not differs(noise='none')
    built.eval()
    assert not differs()
    assert differs(noise='random')
    assert torch.equal(built(z, LABEL), built(z, LABEL, noise='const'))
    assert not torch.equal(built(z, LABEL), built(z, LABEL, noise='none'))


def test_a_noise_that_is_not_known_raises():
    with pytest.raises(ValueError, match="noise='constant' .*did you mean 'const'"):
        generator()(latents(), LABEL, noise='constant')


@pytest.mark.parametrize('training', [True, False])
def test_truncation_to_zero_makes_one_image_of_every_z(training):
    built = generator().train(training)
    built.mapping.w_avg.normal_()
    image = built(latents(), LABEL, noise='none', truncation=0.0)
    assert torch.allclose(image[0], image[1], atol=1e-5)
    image = built(latents(), LABEL, noise='none', truncation=0.5)
    assert not torch.allclose(image[0], image[1], atol=1e-3)


def test_class_and_z_change_the_image_and_the_rest_of_the_batch_does_not():
    built = generator().eval()
    z = latents()
    image = built(z, torch.tensor([1, 1]))
    other = built(z, torch.tensor([1, 2]))
    assert torch.allclose(image[0], other[0], atol=1e-6)
    assert (image[1] - other[1]).abs().mean() > 1e-4
    assert (image[0] - image[1]).abs().mean() > 1e-4
    alone = built(z[:1], torch.tensor([1]))
    assert torch.allclose(alone, image[:1], atol=1e-5)


def test_a_generator_without_classes_takes_no_label():
    built = generator(num_classes=None)
    assert built(latents()).shape == (2, 3, 16, 16)


@pytest.mark.parametrize(
    'z, label, message',
    [
        (torch.randn(2, 7), LABEL, r'z has shape \(2, 7\); allowed: \(N, 6\)'),
        (torch.randn(2, 6), None, 'needs labels'),
        (torch.randn(2, 6), LABEL[:, None], r'\(2, 1\); allowed: \(2,\)'),
    ],
)
def test_inputs_that_do_not_fit_raise(z, label, message):
    with pytest.raises(ValueError, match=message):
        generator()(z, label)


def test_gradients_reach_every_parameter():
    built = generator()
    built(latents(), LABEL).square().sum().backward()
    for name, parameter in built.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def test_outputs_of_layers_are_clamped_where_asked_for():
    built = generator(clamp=0.05)
    outputs = []
    for module in built.synthesis.modules():
        if type(module).__name__ in ('StyledConv2d', 'ToRGB'):
            module.register_forward_hook(lambda *call: outputs.append(call[2]))
    built(latents(), LABEL)
    assert len(outputs) == 8
    assert max(y.abs().max().item() for y in outputs) == pytest.approx(0.05)


def test_images_are_float32_under_autocast_and_nearly_the_same():
    built = generator().eval()
    z = latents()
    expected = built(z, LABEL)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        image = built(z, LABEL)
    assert image.dtype == torch.float32
    error = (image - expected).abs().max() / expected.abs().max()
    assert 0 < error < 0.05


@torch.no_grad()
def test_memory_format_does_not_matter():
    built = generator().eval()
    z = latents()
    image = built(z, LABEL)
    last = built.to(memory_format=torch.channels_last)(z, LABEL)
    assert torch.allclose(image, last, atol=1e-5)


def test_it_runs_in_float64():
    built = generator().eval()
    z = latents()
    expected = built(z, LABEL)
    image = built.double()(z.double(), LABEL)
    assert image.dtype == torch.float64
    assert torch.allclose(image.float(), expected, atol=1e-4)


def test_the_state_dict_restores_the_images():
    built, other = generator().eval(), generator().eval()
    built.mapping.w_avg.normal_()
    z = latents()
    other.load_state_dict(built.state_dict())
    options = dict(truncation=0.5)
    assert torch.equal(built(z, LABEL, **options), other(z, LABEL, **options))
