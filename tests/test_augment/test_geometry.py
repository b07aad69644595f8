import math

import pytest
import torch
from distributions import assert_distributed, assert_each_as_often, normal, uniform

from reacgan_plugin.augment import geometry
from reacgan_plugin.augment.geometry import (
    BLITS,
    GENERAL,
    geometric_source,
    half_of,
)

MANY = torch.zeros(10000, 3, 16, 40, dtype=torch.float64)
NAMES = sorted({step.name for step in (*BLITS, *GENERAL)})


def alone(name, strength=1.0, x=MANY):
    """Matrices of one transformation."""
    return geometric_source(x, {name: torch.tensor(strength)})


def angle_of(matrix):
    return torch.atan2(matrix[:, 1, 0], matrix[:, 0, 0])


def is_zero(x):
    return torch.allclose(x, torch.zeros_like(x), atol=1e-9)


def test_half_of_all_images_are_mirrored():
    matrix = alone('x_flip')
    assert_each_as_often(matrix[:, 0, 0], [-1, 1])
    rest = matrix - torch.diag_embed(matrix.diagonal(dim1=1, dim2=2))
    assert is_zero(rest)
    assert (matrix[:, 1, 1] == 1).all()


def test_quarter_turns_are_equally_likely_and_exact():
    matrix = alone('rotate_90')
    assert set(matrix.unique().tolist()) == {-1, 0, 1}
    assert_each_as_often(angle_of(matrix) / math.pi, [-0.5, 0, 0.5, 1])
    assert (torch.linalg.det(matrix) == 1).all()


def test_integer_translations_reach_an_eighth_of_each_side():
    shift = alone('integer_translation')[:, :2, 2]
    assert torch.equal(shift, shift.round())
    assert shift.abs().amax(0).tolist() == [5, 2]  # of a width of 40, a height of 16
    for column, reach in ((shift[:, 0], 5), (shift[:, 1], 2)):
        inner = column[column.abs() < reach]  # the last one is rounded from one side
        assert_each_as_often(inner, list(range(1 - reach, reach)))
    assert torch.corrcoef(shift.T)[0, 1].abs() < 0.05


@pytest.mark.parametrize(
    'name, sign', [('isotropic_scale', 1), ('anisotropic_scale', -1)]
)
def test_scales_are_log_normal(name, sign):
    matrix = alone(name)
    log2 = matrix.diagonal(dim1=1, dim2=2).log2()
    assert_distributed(log2[:, 0], normal(0.2))
    assert torch.allclose(log2[:, 1], sign * log2[:, 0])


def test_rotations_take_any_angle_before_and_after():
    matrix = alone('rotation')
    assert_distributed(angle_of(matrix), uniform(-math.pi, math.pi))
    assert torch.allclose(torch.linalg.det(matrix), torch.ones(()).double())


@pytest.mark.parametrize('p', [0.1, 0.5, 0.9])
def test_an_image_is_rotated_before_or_after_with_the_strength(p):
    rotated = angle_of(alone('rotation', p)) != 0
    assert abs(rotated.double().mean() - p) < 0.02
    chance = half_of(torch.tensor(p))
    assert torch.isclose(1 - (1 - chance) ** 2, torch.tensor(p))


def test_a_probability_above_one_is_certain():
    assert half_of(torch.tensor(1.5)) == 1


def test_fractional_translations_are_normal_of_an_eighth_of_each_side():
    shift = alone('fractional_translation')[:, :2, 2]
    assert_distributed(shift[:, 0], normal(5.0))
    assert_distributed(shift[:, 1], normal(2.0))


@pytest.mark.parametrize('name', NAMES)
def test_a_transformation_happens_with_its_strength(name):
    # turns by 0 and flips that are none look like nothing; translations round to it
    visible = {'x_flip': 1 / 2, 'rotate_90': 3 / 4, 'integer_translation': None}
    matrix = alone(name, 0.3)
    changed = (matrix != torch.eye(3)).flatten(1).any(1).double().mean()
    share = visible.get(name, 1)
    if share is not None:
        assert abs(changed - 0.3 * share) < 0.02
    assert torch.equal(alone(name, 0.0), torch.eye(3).double().expand(10000, 3, 3))


def test_what_is_applied_first_is_the_last_step_back_to_where_a_pixel_came_from():
    chances = {step.name: torch.tensor(1.0) for step in (*BLITS, *GENERAL)}
    torch.manual_seed(1)
    found = geometric_source(MANY[:2], chances)
    torch.manual_seed(1)
    one = torch.tensor(1.0)
    flip, turn, blit, size, before, stretch, after, shift = (
        step.matrix_for(MANY[:2], one) for step in (*BLITS, *GENERAL)
    )
    expected = flip @ turn @ blit @ size @ before @ stretch @ after @ shift
    assert torch.allclose(found, expected)
    assert [step.name for step in (*BLITS, *GENERAL)] == [
        'x_flip',
        'rotate_90',
        'integer_translation',
        'isotropic_scale',
        'rotation',
        'anisotropic_scale',
        'rotation',
        'fractional_translation',
    ]


def test_scales_above_one_enlarge_and_positive_shifts_go_right_and_down():
    one = torch.ones(1)
    assert geometry.isotropic_scale(one)[0].diagonal().tolist() == [0.5, 0.5, 1]
    assert geometry.anisotropic_scale(one)[0].diagonal().tolist() == [0.5, 2, 1]
    pixels = torch.tensor([[3.0, 1.0]])  # what is seen here was further left and up
    assert geometry.translate(pixels)[0, :2, 2].tolist() == [-3, -1]


def test_one_image_has_one_matrix():
    assert geometric_source(torch.zeros(1, 3, 4, 4), {}).shape == (1, 3, 3)
