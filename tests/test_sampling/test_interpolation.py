import math

import pytest
import torch
from sampled_generators import FAMILIES, made
from torch import nn

from reacgan_plugin.sampling.drawing import draw
from reacgan_plugin.sampling.interpolation import (
    between_classes,
    between_seeds,
    slerp,
)

CONDITIONAL = list(FAMILIES)


def same(first, second) -> bool:
    """Up to what a batch of another size changes by rounding."""
    return (first.int() - second.int()).abs().max() <= 1


@pytest.mark.parametrize('family', CONDITIONAL)
def test_the_way_between_classes_begins_and_ends_with_their_own_images(family):
    generator, seeds = made(family), [4, 7]
    frames = between_classes(generator, [2, 0], seeds, frames=5)
    assert frames.shape[:3] == (2, 5, 3) and frames.dtype == torch.uint8
    for row, seed in enumerate(seeds):
        for place, label in ((0, 2), (-1, 0)):
            image = draw(generator, torch.tensor([label]), [seed])[0]
            assert same(frames[row, place], image)
        assert len({frame.numpy().tobytes() for frame in frames[row]}) == 5


@pytest.mark.parametrize('family', CONDITIONAL)
def test_half_way_is_what_the_mean_of_two_classes_looks_like(family):
    generator = made(family)
    frames = between_classes(generator, [0, 1], [3], frames=3)
    averaged = made(family)
    with torch.no_grad():
        middle_of_classes(averaged)
    assert same(frames[0, 1], draw(averaged, torch.tensor([0]), [3])[0])


def middle_of_classes(generator: nn.Module) -> None:
    """Make class 0 the mean of the classes 0 and 1, whatever they are."""
    generator = getattr(generator, 'generator', generator)
    if hasattr(generator, 'styles'):
        plain = generator.styles

        def styles(z, label, **options):
            return (plain(z, label * 0) + plain(z, label * 0 + 1)) / 2

        generator.styles = styles
        return
    for name in ('classes', 'class_embedding'):
        if hasattr(generator, name):
            rows = getattr(generator, name).weight
            rows[0] = (rows[0] + rows[1]) / 2
            return
    for norm in generator.modules():  # one column a class
        if hasattr(norm, 'gain'):
            for part in (norm.gain, norm.bias):
                part.weight[:, 0] = (part.weight[:, 0] + part.weight[:, 1]) / 2


@pytest.mark.parametrize('family', ['biggan', 'resnet', 'stylegan2'])
def test_batches_do_not_change_the_way(family):
    generator = made(family)
    whole = between_classes(generator, [2, 0, 1], [4, 7], frames=3)
    parts = between_classes(generator, [2, 0, 1], [4, 7], frames=3, batch=4)
    assert whole.shape[:2] == (2, 5) and same(whole, parts)
    assert same(whole[:, 2], draw(generator, torch.tensor([0, 0]), [4, 7]))


def test_hooks_are_gone_afterwards():
    generator = made('biggan')
    before = draw(generator, torch.tensor([0, 1]), [1, 2])
    between_classes(generator, [0, 1], [3])
    assert torch.equal(before, draw(generator, torch.tensor([0, 1]), [1, 2]))
    hooks = [m._forward_hooks or m._forward_pre_hooks for m in generator.modules()]
    assert not any(hooks)


def test_truncation_holds_on_the_way():
    generator = made('stylegan2')
    frames = between_classes(generator, [0, 1], [3], frames=2, truncation=0.3)
    ends = draw(generator, torch.tensor([0, 1]), [3, 3], truncation=0.3)
    assert same(frames[0], ends)


def test_classes_of_a_generator_without_any_raise():
    with pytest.raises(ValueError, match='takes no class'):
        between_classes(made('biggan', num_classes=None), [0, 1], [3])


def test_a_generator_that_hides_its_classes_raises():
    class Hidden(nn.Linear):
        z_dim = 4

        def forward(self, z, label):
            return super().forward(z + label[:, None]).unflatten(1, (3, 2, 2))

    with pytest.raises(ValueError, match='Hidden has neither styles nor'):
        between_classes(Hidden(4, 12), [0, 1], [3])


@pytest.mark.parametrize('points, frames', [([1], 8), ([0, 1], 1)])
def test_a_way_needs_two_ends(points, frames):
    with pytest.raises(ValueError, match='allowed: two or more'):
        between_classes(made('foreign'), points, [0], frames=frames)
    with pytest.raises(ValueError, match='allowed: two or more'):
        between_seeds(made('foreign'), points, [0], frames=frames)


@pytest.mark.parametrize('family', ['biggan', 'stylegan2', 'coded_biggan'])
def test_the_way_between_seeds_passes_their_own_images(family):
    generator = made(family)
    frames = between_seeds(generator, [5, 0, 9], [2, 1], frames=4)
    assert frames.shape[:2] == (2, 7)
    for row, label in enumerate([2, 1]):
        own = draw(generator, torch.tensor([label] * 3), [5, 0, 9])
        assert same(frames[row, ::3], own)


def test_between_two_z_the_way_is_a_great_circle():
    first = torch.tensor([[2.0, 0.0], [1.0, 0.0]])
    second = torch.tensor([[0.0, 2.0], [0.0, 3.0]])
    share = torch.tensor([1 / 3, 0.5])
    expected = [[2 * math.cos(math.pi / 6), 1.0], [math.sqrt(0.5), 3 * math.sqrt(0.5)]]
    torch.testing.assert_close(slerp(first, second, share), torch.tensor(expected))


def test_the_way_keeps_the_length_of_normal_z():
    first, second = torch.randn(2, 20, 128)
    first, second = (z / z.norm(dim=1, keepdim=True) for z in (first, second))
    lengths = slerp(first, second, torch.full((20,), 0.3)).norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones(20))


@pytest.mark.parametrize('factor', [1.0, 2.0, -1.0])
def test_z_on_one_line_are_joined_by_it(factor):
    z = torch.randn(1, 8)
    way = slerp(z, factor * z, torch.tensor([0.25]))
    torch.testing.assert_close(way, z.lerp(factor * z, 0.25))
