import math

import numpy as np
import pytest
import torch
from kornia.geometry import warp_affine
from torch.nn import functional as F

from reacgan_plugin.augment.matrices import rotate_by, scale_by, shift_by
from reacgan_plugin.augment.warp import _Bilinear, warped, warped_pixels
from reacgan_plugin.augment.wavelets import resampling

WARPS = [warped_pixels, warped]
IDENTITY = torch.eye(3, dtype=torch.float64)[None]
MIRROR = scale_by(torch.tensor([[-1.0, 1.0]])).double()
TURN = rotate_by(torch.tensor([math.pi / 2])).round().double()
ODD = torch.tensor([[0.9, -0.4, 1.3], [0.3, 1.2, -0.8], [0, 0, 1]])[None].double()


def images(rows=1, height=12, width=16):
    return torch.rand(rows, 3, height, width, dtype=torch.float64) * 2 - 1


def smooth(height=32, width=48):
    """An image of slow waves."""
    y, x = torch.meshgrid(
        torch.linspace(0, 3, height), torch.linspace(0, 5, width), indexing='ij'
    )
    return torch.stack([torch.sin(x + y), torch.cos(2 * x), x * y / 15])[None].double()


@pytest.mark.parametrize('warp', WARPS)
@pytest.mark.parametrize('height, width', [(2, 2), (5, 5), (32, 32), (33, 48)])
def test_the_identity_changes_nothing(warp, height, width):
    x = images(2, height, width)
    assert torch.allclose(warp(x, IDENTITY.expand(2, -1, -1)), x, atol=1e-9)


@pytest.mark.parametrize('warp', WARPS)
@pytest.mark.parametrize('side', [32, 64, 128, 256, 512])
def test_the_identity_changes_nothing_in_float32_up_to_512_pixels(warp, side):
    x = images(1, side, side).float()
    assert torch.allclose(warp(x, IDENTITY.float()), x, atol=3e-4)


@pytest.mark.parametrize('warp', WARPS)
@pytest.mark.parametrize('right, down', [(1, 0), (-3, 2), (5, -4), (40, 0)])
def test_whole_pixels_shift_the_mirrored_image(warp, right, down):
    x = images()
    y = warp(x, shift_by(-torch.tensor([[right, down]]).double()))
    reach = 40
    sides = ((0, 0), (0, 0), (reach, reach), (reach, reach))
    far = torch.from_numpy(np.pad(x.numpy(), sides, mode='reflect'))
    row, column = reach - down, reach - right
    expected = far[:, :, row : row + 12, column : column + 16]
    # doubled images are mirrored after they were filtered: near their borders not quite
    margin = 3 if warp is warped else 0
    rows = slice(margin + max(down, 0), 12 - margin + min(down, 0))
    if warp is warped_pixels:
        assert torch.allclose(y, expected, atol=1e-9)
    elif abs(right) < 16:
        columns = slice(margin + max(right, 0), 16 - margin + min(right, 0))
        inner = (..., rows, columns)
        assert torch.allclose(y[inner], expected[inner], atol=1e-9)


def test_pixels_are_copied_by_flips_and_quarter_turns():
    x = images(1, 8, 8)
    assert torch.allclose(warped_pixels(x, MIRROR), x.flip(3), atol=1e-9)
    assert torch.allclose(warped_pixels(x, TURN), x.rot90(1, (2, 3)), atol=1e-9)
    oblong = images(1, 8, 12)
    y = warped_pixels(oblong, TURN)
    assert torch.allclose(
        y[..., 2:10], oblong.rot90(1, (2, 3))[..., 2:10, :], atol=1e-9
    )


@pytest.mark.parametrize('matrix', [MIRROR, TURN, ODD])
def test_a_slope_is_warped_nearly_exactly_where_nothing_is_mirrored(matrix):
    height, width = 40, 48
    down = torch.arange(height).double() - (height - 1) / 2
    right = torch.arange(width).double() - (width - 1) / 2
    slope = (2 * right + 3 * down[:, None] + 1).expand(1, 3, -1, -1)
    source = matrix[0]
    came_x = source[0, 0] * right + source[0, 1] * down[:, None] + source[0, 2]
    came_y = source[1, 0] * right + source[1, 1] * down[:, None] + source[1, 2]
    expected = 2 * came_x + 3 * came_y + 1
    inside = (came_x.abs() < width / 2 - 8) & (came_y.abs() < height / 2 - 8)
    inner = torch.zeros_like(inside)
    inner[8:-8, 8:-8] = inside[8:-8, 8:-8]
    assert inner.sum() > 200
    # SYM6 is not symmetric: what it doubles lies 0.049 pixels beside, turned or not
    y = warped(slope, matrix)[0, 0]
    assert (y[inner] - expected[inner]).abs().max() < 2 * 0.05 * (2 + 3)


@pytest.mark.parametrize(
    'matrix, moved',
    [
        (MIRROR, lambda x: x.flip(3)),
        (TURN, lambda x: x.rot90(1, (2, 3))),
        (TURN @ TURN, lambda x: x.rot90(2, (2, 3))),
    ],
)
def test_flips_and_quarter_turns_move_doubled_positions_onto_each_other(matrix, moved):
    x = images(1, 40, 40)
    double, halve = resampling(40, torch.float64, torch.device('cpu'))
    own = slice(5, 84)  # from the first pixel's position to the last one's
    doubled = (double @ (x @ double.T))[..., own, own]
    expected = halve[:, own] @ (moved(doubled) @ halve[:, own].T)
    inner = (..., slice(8, -8), slice(8, -8))
    assert torch.allclose(warped(x, matrix)[inner], expected[inner], atol=1e-9)


def test_pixels_are_interpolated_as_kornia_does_it():
    x = images(1, 20, 24)
    # kornia wants pixels from the corner, and where a pixel goes to
    centre = shift_by(torch.tensor([[(24 - 1) / 2, (20 - 1) / 2]]).double())
    goes = centre @ ODD.inverse() @ centre.inverse()
    expected = warp_affine(x, goes[:, :2], (20, 24), align_corners=True)
    mask = warp_affine(torch.ones_like(x), goes[:, :2], (20, 24), align_corners=True)
    inside = mask > 1 - 1e-9
    assert inside.sum() > 500
    assert torch.allclose(warped_pixels(x, ODD)[inside], expected[inside], atol=1e-6)


@pytest.mark.parametrize('matrix', [MIRROR, TURN, ODD])
def test_both_ways_agree_on_smooth_images(matrix):
    x = smooth()
    assert (warped(x, matrix) - warped_pixels(x, matrix)).abs().max() < 0.05


def test_doubling_keeps_detail_that_interpolation_of_pixels_loses():
    x = images(1, 32, 32)
    half = shift_by(torch.tensor([[0.5, 0.0]]).double())
    there_and_back = [
        warp(warp(x, half), half.inverse())[..., 4:-4].square().mean() for warp in WARPS
    ]
    pixels, doubled = (v / x.square().mean() for v in there_and_back)
    assert pixels < 0.5
    assert doubled > 0.6


@pytest.mark.parametrize('warp', WARPS)
def test_what_is_mirrored_far_away_stays_an_image(warp):
    x = smooth()
    tiny = scale_by(torch.tensor([[25.0, 31.0]])).double()  # many mirrored copies
    y = warp(x, shift_by(torch.tensor([[1e4, -1e4]]).double()) @ tiny)
    assert y.isfinite().all()
    assert x.min() - 0.3 < y.min() < y.max() < x.max() + 0.3


@pytest.mark.parametrize('warp', WARPS)
def test_a_mirrored_image_meets_its_border_without_a_step(warp):
    x = smooth()
    y = warp(x, shift_by(torch.tensor([[24.0, 0.0]]).double()))  # border in the middle
    assert (y[..., 1:] - y[..., :-1]).abs().max() < 0.25
    assert torch.allclose(y[..., 23:39], y[..., 7:23].flip(3), atol=0.25)


@pytest.mark.parametrize('warp', WARPS)
def test_every_sample_has_its_own_matrix(warp):
    x = images(3)
    matrices = torch.cat([IDENTITY, MIRROR, ODD])
    y = warp(x, matrices)
    for n in range(3):
        alone = warp(x[n : n + 1], matrices[n : n + 1])
        assert torch.allclose(y[n : n + 1], alone, atol=1e-9)


@pytest.mark.parametrize('warp', WARPS)
def test_warps_agree_with_finite_differences_twice(warp):
    x = images(2, 3, 4)[:, :1].requires_grad_()
    matrices = torch.cat([ODD, TURN])
    assert torch.autograd.gradcheck(lambda x: warp(x, matrices), x)
    assert torch.autograd.gradgradcheck(lambda x: warp(x, matrices).square(), x)


def test_interpolation_and_its_derivative_are_those_of_torch():
    x = images(2, 5, 6).requires_grad_()
    grid = torch.rand(2, 4, 3, 2).double() * 2.2 - 1.1
    ours = _Bilinear.apply(x, grid)
    theirs = F.grid_sample(x, grid, padding_mode='border', align_corners=True)
    assert torch.equal(ours, theirs)
    weight = torch.randn_like(ours)
    found, expected = (
        torch.autograd.grad(y, x, weight, retain_graph=True)[0] for y in (ours, theirs)
    )
    assert torch.allclose(found, expected)


@pytest.mark.parametrize('warp', WARPS)
def test_memory_format_does_not_matter(warp):
    x = images(2)
    last = x.contiguous(memory_format=torch.channels_last)
    matrices = torch.cat([ODD, TURN])
    assert torch.allclose(warp(last, matrices), warp(x, matrices))


@pytest.mark.parametrize('warp', WARPS)
def test_autocast_and_half_precision_give_float32(warp):
    x = images(1).float()
    expected = warp(x, ODD.float())
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(warp(x, ODD.float()), expected)
        assert warp(x.bfloat16(), ODD.float()).dtype == torch.float32
