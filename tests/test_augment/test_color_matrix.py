import math

import pytest
import torch
from distributions import assert_distributed, assert_each_as_often, normal, uniform
from kornia.geometry import axis_angle_to_rotation_matrix

from reacgan_plugin.augment import color_matrix as module
from reacgan_plugin.augment.color_matrix import COLORS, color_matrix, recoloured

MANY = torch.zeros(10000, 3, 1, 1, dtype=torch.float64)
GREY = torch.full((3,), 1 / math.sqrt(3), dtype=torch.float64)  # v, the axis of luma
RED = torch.tensor([1.0, 0, 0], dtype=torch.float64)


def alone(name, strength=1.0, x=MANY):
    """Matrices of one transformation, less the row that is always (0, 0, 0, 1)."""
    matrix = color_matrix(x, {name: torch.tensor(strength)})
    assert (matrix[:, 3] == torch.tensor([0.0, 0, 0, 1])).all()
    return matrix[:, :3]


def seen(matrix, pixel):
    """The colour (N, 3) that a pixel (3,) gets."""
    return matrix[:, :, :3] @ pixel + matrix[:, :, 3]


def luma(pixel):
    return pixel @ GREY


def colour(pixel):
    """What is left of it without luma."""
    return pixel - luma(pixel)[..., None] * GREY


def test_brightness_adds_one_normal_number_to_all_three():
    shift = seen(alone('brightness'), RED) - RED
    assert_distributed(shift[:, 0], normal(0.2))
    assert torch.allclose(shift, shift[:, :1].expand_as(shift))


def test_contrast_is_a_log_normal_factor_of_all_three():
    factor = seen(alone('contrast'), GREY) / GREY
    assert_distributed(factor[:, 0].log2(), normal(0.5))
    assert torch.allclose(factor, factor[:, :1].expand_as(factor))


def test_luma_is_mirrored_for_half_of_all_images_and_colours_stay():
    found = seen(alone('luma_flip'), RED)
    assert_each_as_often((luma(found) / luma(RED)).round(decimals=9), [-1, 1])
    assert torch.allclose(colour(found), colour(RED).expand_as(found))


def test_hue_turns_colours_by_any_angle_around_luma():
    matrix = alone('hue')
    found = seen(matrix, RED)
    assert torch.allclose(luma(found), luma(RED))
    across = torch.linalg.cross(GREY, colour(RED))
    angle = torch.atan2(found @ across, colour(found) @ colour(RED))
    assert_distributed(angle, uniform(-math.pi, math.pi))
    expected = axis_angle_to_rotation_matrix(angle[:, None] * GREY)
    assert torch.allclose(matrix[:, :, :3], expected, atol=1e-6)


def test_saturation_is_a_log_normal_factor_of_the_distance_from_grey():
    found = seen(alone('saturation'), RED)
    assert torch.allclose(luma(found), luma(RED))
    factor = colour(found) / colour(RED)
    assert_distributed(factor[:, 0].log2(), normal(1.0))
    assert torch.allclose(factor, factor[:, :1].expand_as(factor))


@pytest.mark.parametrize('name', [step.name for step in COLORS])
def test_a_transformation_happens_with_its_strength(name):
    changed = (alone(name, 0.3) != torch.eye(4)[:3]).flatten(1).any(1).double().mean()
    assert abs(changed - (0.15 if name == 'luma_flip' else 0.3)) < 0.02
    neutral = alone(name, 0.0)
    assert torch.allclose(neutral, torch.eye(4).double()[:3].expand_as(neutral))


def test_transformations_apply_in_the_order_of_the_paper():
    torch.manual_seed(1)
    chances = {step.name: torch.tensor(1.0) for step in COLORS}
    found = color_matrix(MANY[:2], chances)
    torch.manual_seed(1)
    steps = [step.matrix_for(MANY[:2], torch.tensor(1.0)) for step in COLORS]
    brightness, contrast, luma_flip, hue, saturation = steps
    expected = saturation @ hue @ luma_flip @ contrast @ brightness
    assert torch.allclose(found, expected)
    names = ['brightness', 'contrast', 'luma_flip', 'hue', 'saturation']
    assert [step.name for step in COLORS] == names
    assert [step.matrix for step in COLORS] == [getattr(module, n) for n in names]


def test_every_pixel_is_mixed_by_the_matrix_of_its_image():
    x, matrix = torch.randn(2, 3, 2, 4).double(), torch.randn(2, 4, 4).double()
    y = recoloured(x, matrix)
    for n, i, j in torch.cartesian_prod(*(torch.arange(s) for s in (2, 2, 4))):
        homogeneous = torch.cat([x[n, :, i, j], torch.ones(1).double()])
        assert torch.allclose(y[n, :, i, j], (matrix[n] @ homogeneous)[:3])


def test_mixing_agrees_with_finite_differences_twice():
    x = torch.randn(2, 3, 1, 2, dtype=torch.float64, requires_grad=True)
    matrix = torch.randn(2, 4, 4).double()
    assert torch.autograd.gradcheck(lambda x: recoloured(x, matrix), x)
    assert torch.autograd.gradgradcheck(lambda x: recoloured(x, matrix).square(), x)


def test_memory_format_and_autocast_do_not_matter():
    x, matrix = torch.randn(2, 3, 4, 6), torch.randn(2, 4, 4)
    last = x.contiguous(memory_format=torch.channels_last)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.allclose(recoloured(last, matrix), recoloured(x, matrix))
        assert recoloured(x, matrix).dtype == torch.float32


@pytest.mark.parametrize('strength', [0.3, 1.0])
def test_grey_images_are_changed_as_three_equal_colours_are_in_their_mean(strength):
    grey = torch.rand(8, 1, 4, 4, dtype=torch.float64)
    colours = grey.expand(-1, 3, -1, -1)
    chances = {step.name: torch.tensor(strength) for step in COLORS}
    matrix = color_matrix(grey, chances)
    expected = recoloured(colours, matrix).mean(1, keepdim=True)
    assert torch.allclose(recoloured(grey, matrix), expected)
    assert not torch.allclose(expected, grey, atol=0.01)


@pytest.mark.parametrize('name', ['hue', 'saturation'])
def test_what_turns_or_stretches_colours_leaves_grey_images_alone(name):
    grey = torch.rand(8, 1, 4, 4, dtype=torch.float64)
    matrix = color_matrix(grey, {name: torch.tensor(1.0)})
    assert torch.allclose(recoloured(grey, matrix), grey)
