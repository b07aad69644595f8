import pytest
import torch
from sampled_generators import made

from reacgan_plugin.evaluation.quantise import to_uint8
from reacgan_plugin.layers import ConditionalBatchNorm2d
from reacgan_plugin.layers.modulated_conv import StyledConv2d, ToRGB
from reacgan_plugin.sampling.directions import (
    along_directions,
    closed_form_directions,
    first_maps,
)
from reacgan_plugin.sampling.drawing import draw

FAMILIES = ['biggan', 'biggan_deep', 'resnet', 'stylegan2']


def received(generator, z, label) -> torch.Tensor:
    """What the first linear maps of all layers give, (N, rows), found by listening; z
    is w for a generator with styles."""
    heard, hooks = [], []
    for layer in generator.modules():
        parts = []
        if isinstance(layer, ConditionalBatchNorm2d):
            parts = [layer.gain, layer.bias]
        elif isinstance(layer, StyledConv2d | ToRGB):
            parts = [layer.affine]
        elif layer is getattr(generator, 'input', None):
            parts = [layer]
        hooks += [
            part.register_forward_hook(lambda _, args, output: heard.append(output))
            for part in parts
        ]
    with torch.no_grad():
        if hasattr(generator, 'synthesis'):
            generator.synthesis(z[:, None].expand(-1, generator.synthesis.num_ws, -1))
        else:
            generator(z, label)
    for hook in hooks:
        hook.remove()
    return torch.cat(heard, 1)


@pytest.mark.parametrize('family', FAMILIES)
def test_a_direction_changes_what_layers_receive_as_its_map_says(family):
    generator = made(family).eval()
    maps = first_maps(generator).detach()
    z = torch.randn(7, maps.shape[1])
    label, move = torch.tensor([1] * 7), torch.randn(7, maps.shape[1])
    change = received(generator, z + move, label) - received(generator, z, label)
    torch.testing.assert_close(
        change.norm(dim=1), (move @ maps.T).norm(dim=1), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize('family', FAMILIES)
def test_the_first_direction_has_the_largest_effect(family):
    generator = made(family).eval()
    maps = first_maps(generator).detach()
    found = closed_form_directions(generator, maps.shape[1])
    torch.testing.assert_close(found @ found.T, torch.eye(len(found)))
    effects = (found @ maps.T).norm(dim=1)
    assert (effects.diff() <= 1e-4).all() and effects[0] > effects[-1]
    others = torch.nn.functional.normalize(torch.randn(1000, maps.shape[1]))
    assert (others @ maps.T).norm(dim=1).max() <= effects[0] + 1e-5


def test_directions_have_a_fixed_sign():
    found = closed_form_directions(made('biggan_deep'), 5)
    largest = found.gather(1, found.abs().argmax(1, keepdim=True))
    assert (largest > 0).all()


def test_a_direction_of_biggan_lies_in_one_chunk_of_z():
    generator = made('biggan')
    found = closed_form_directions(generator, 9)
    chunks = found.unflatten(1, (-1, generator.chunk)).norm(dim=2)
    assert ((chunks > 1e-5).sum(1) == 1).all()


@pytest.mark.parametrize('family', [*FAMILIES, 'coded_biggan', 'coded_stylegan2'])
def test_a_sample_moves_away_from_where_it_is(family):
    generator = made(family)
    found = closed_form_directions(generator, 2)
    frames = along_directions(generator, found, [-9.0, 0.0, 9.0], label=2, seed=5)
    assert frames.shape[:3] == (2, 3, 3)
    own = draw(generator, torch.tensor([2]), [5])[0].int()
    assert (frames[:, 1].int() - own).abs().max() <= 1
    for moved in (frames[:, 0], frames[:, 2]):
        assert (moved.int() - own).flatten(1).abs().max(1).values.min() > 1


def test_a_sample_of_styles_moves_in_w_of_every_layer():
    generator = made('stylegan2').eval()
    direction = closed_form_directions(generator, 1)
    z = torch.randn(1, 4, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        ws = generator.styles(z, torch.tensor([1]), truncation=0.5)
        expected = generator.synthesis(ws + 2.5 * direction)
    expected = to_uint8(expected).int()
    options = dict(label=1, seed=3, truncation=0.5)
    found = along_directions(generator, direction, [2.5], **options)
    assert (found[0, 0] - expected[0]).abs().max() <= 1


@pytest.mark.parametrize('count', [0, 10])
def test_there_are_as_many_directions_as_dimensions(count):
    with pytest.raises(ValueError, match=r'allowed: 1\.\.9'):
        closed_form_directions(made('biggan'), count)


def test_directions_of_an_unknown_generator_raise():
    with pytest.raises(ValueError, match='StyleGAN2Generator, .* not of Foreign'):
        closed_form_directions(made('foreign'), 1)
