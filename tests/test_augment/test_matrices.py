import math

import pytest
import torch
from kornia.geometry import angle_to_rotation_matrix

from reacgan_plugin.augment.matrices import (
    homogeneous,
    linear_map,
    rotate_by,
    scale_by,
    shift_by,
)


def applied(matrix, point):
    """A matrix of one sample at a point (D,)."""
    return (matrix[0] @ torch.cat([point, torch.ones(1)]))[:-1]


@pytest.mark.parametrize('dimensions', [2, 3])
def test_matrices_do_to_a_point_what_they_are_called(dimensions):
    point = torch.randn(dimensions)
    linear, shift = torch.randn(dimensions, dimensions), torch.randn(dimensions)
    for matrix, expected in (
        (homogeneous(linear[None], shift[None]), linear @ point + shift),
        (linear_map(linear[None]), linear @ point),
        (shift_by(shift[None]), point + shift),
        (scale_by(shift[None]), point * shift),
    ):
        assert matrix.shape == (1, dimensions + 1, dimensions + 1)
        assert torch.allclose(applied(matrix, point), expected)


def test_products_of_homogeneous_matrices_apply_one_after_the_other():
    first, second = shift_by(torch.ones(1, 2)), scale_by(torch.full((1, 2), 3.0))
    point = torch.tensor([1.0, -2.0])
    assert torch.equal(applied(second @ first, point), 3 * (point + 1))


def test_a_rotation_is_that_of_kornia_the_other_way_round():
    angle = torch.tensor([0.0, 0.3, -2.0, math.pi])  # kornia's y points up
    expected = angle_to_rotation_matrix(-angle.rad2deg())
    assert torch.allclose(rotate_by(angle)[:, :2, :2], expected, atol=1e-6)
    assert torch.equal(rotate_by(angle)[:, 2], torch.tensor([0.0, 0, 1]).expand(4, 3))
