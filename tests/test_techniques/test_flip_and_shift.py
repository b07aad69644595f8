import pytest
import torch
from torch.nn import functional as F

from reacgan_plugin.techniques.flip_and_shift import FlipAndShift, shifted


def images(rows=4, height=8, width=8):
    return torch.randn(rows, 3, height, width)


@pytest.mark.parametrize('dim', [2, 3])
def test_a_shifted_image_is_a_crop_of_the_reflected_one(dim):
    image, most = images(height=6, width=9), 3
    moves = torch.tensor([-3, 0, 1, 3])
    padding = [most, most, 0, 0] if dim == 3 else [0, 0, most, most]
    padded = F.pad(image, padding, mode='reflect')
    found = shifted(image, moves, dim)
    for n, move in enumerate(moves.tolist()):
        expected = padded[n].narrow(dim - 1, most + move, image.shape[dim])
        assert torch.equal(found[n], expected)


def candidates(image, most):
    """All views of one image."""
    for flipped in (image, image.flip(2)):
        padded = F.pad(flipped[None], [most] * 4, mode='reflect')[0]
        for top in range(2 * most + 1):
            for left in range(2 * most + 1):
                yield padded[:, top : top + 8, left : left + 8]


def test_every_view_is_one_of_those_described_and_each_sample_has_its_own():
    image = images(1).expand(64, -1, -1, -1)
    known = torch.stack(list(candidates(image[0], 1))).flatten(1)
    views = FlipAndShift(shift=1 / 8)(image).flatten(1)
    number = (views[:, None] == known).all(2)
    assert torch.equal(number.sum(1), torch.ones(64, dtype=torch.long))
    assert len(number.long().argmax(1).unique()) > len(known) / 2


def test_about_half_of_the_images_are_mirrored():
    image = images(1000, 2, 2)
    mirrored = (FlipAndShift(shift=0)(image) == image.flip(3)).flatten(1).all(1)
    assert 400 < mirrored.sum() < 600


def test_the_published_moves_are_of_up_to_four_pixels_of_32():
    column = torch.arange(32.0).expand(500, 1, 32, 32)
    view = FlipAndShift(flip=False)(column)
    centre = view[:, 0, 16, 16].long() - 16
    assert centre.unique().tolist() == list(range(-4, 5))


def test_rows_and_columns_move_by_shares_of_their_own_sides():
    view = FlipAndShift(flip=False)
    row = torch.arange(16.0)[:, None].expand(300, 1, 16, 8)
    assert view(row)[:, 0, 8, 4].unique().tolist() == [6, 7, 8, 9, 10]
    column = torch.arange(8.0).expand(300, 1, 16, 8)
    assert view(column)[:, 0, 8, 4].unique().tolist() == [3, 4, 5]


def test_images_that_are_not_mirrored_keep_their_sides():
    slope = torch.arange(8.0).expand(50, 1, 8, 8)
    middle = FlipAndShift(flip=False)(slope)[:, 0, :, 3:5]
    assert (middle[..., 1] > middle[..., 0]).all()


def test_views_come_from_torchs_global_random_numbers():
    view, image = FlipAndShift(), images(16)
    torch.manual_seed(3)
    first = view(image)
    assert not torch.equal(first, view(image))
    torch.manual_seed(3)
    assert torch.equal(first, view(image))


@pytest.mark.parametrize('rows, side', [(1, 8), (2, 1), (3, 3)])
def test_single_images_and_small_ones_have_views_too(rows, side):
    image = images(rows, side, side)
    assert FlipAndShift(shift=0.5)(image).shape == image.shape


@pytest.mark.parametrize('shift', [-0.1, 0.6, 4])
def test_a_shift_out_of_range_raises(shift):
    with pytest.raises(ValueError, match=r'shift=.* is out of range; allowed: \(0, 0'):
        FlipAndShift(shift=shift)


def test_views_that_change_nothing_raise():
    with pytest.raises(ValueError, match='flip=False and shift=0 leave the image'):
        FlipAndShift(flip=False, shift=0)
