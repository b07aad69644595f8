import pytest
import torch
from distributions import assert_distributed, assert_each_as_often, uniform

from reacgan_plugin.augment.diffaugment import POLICIES, diff_augment

MANY = 8000


def augmented(x, *policy, seed=0):
    torch.manual_seed(seed)
    return diff_augment(x, policy)


def test_brightness_shifts_by_up_to_a_half():
    grey = torch.zeros(MANY, 3, 1, 1)  # saturation and contrast change nothing here
    y = augmented(grey, 'color')
    assert torch.equal(y[:, :1].expand_as(y), y)
    assert_distributed(y[:, 0, 0, 0], uniform(-0.5, 0.5))


def test_saturation_and_contrast_multiply_within_their_ranges():
    pixels = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])[:, None]
    y = augmented(pixels.expand(MANY, -1, -1, -1).double(), 'color')
    means = y.mean(1)  # of a pixel: contrast alone sets how far apart they are
    contrast = (means[:, 0, 0] - means[:, 0, 1]) * 3
    assert_distributed(contrast, uniform(0.5, 1.5))
    saturation = (y[:, 0, 0, 0] - y[:, 1, 0, 0]) / contrast
    assert_distributed(saturation, uniform(0, 2))


@pytest.mark.parametrize('height, width, down, right', [(16, 16, 2, 2), (12, 24, 2, 3)])
def test_translation_reaches_an_eighth_of_the_sides_in_whole_pixels(
    height, width, down, right
):
    x = torch.zeros(MANY, 1, height, width)
    x[:, :, 6, 8] = 1
    _, _, row, column = augmented(x, 'translation').nonzero().T
    assert_each_as_often((row - 6).float(), list(range(-down, down + 1)))
    assert_each_as_often((column - 8).float(), list(range(-right, right + 1)))
    assert torch.corrcoef(torch.stack([row, column]).float())[0, 1].abs() < 0.05


@pytest.mark.parametrize('height, width', [(8, 8), (6, 10), (5, 7)])
def test_cutout_takes_half_the_sides_around_any_centre(height, width):
    cut = 1 - augmented(torch.ones(MANY, 1, height, width), 'cutout')[:, 0]
    for side, lengths in ((height, cut.amax(2)), (width, cut.amax(1))):
        size = int(side / 2 + 0.5)
        offsets = range(side + 1 - size % 2)  # of the published code
        rows = torch.zeros(len(offsets), side)
        for offset in offsets:
            first = offset - size // 2
            rows[offset, max(first, 0) : first + size] = 1
        which = (lengths[:, None] == rows).all(2)
        assert which.any(1).all()
        # a square at the border is cut short, and no two centres look alike
        assert_each_as_often(which.float().argmax(1), list(offsets))


def test_samples_are_augmented_in_their_own_ways_and_one_alone_too():
    x = torch.rand(1, 3, 16, 16).expand(6, -1, -1, -1)
    y = augmented(x, *POLICIES)
    for n in range(5):
        assert not torch.equal(y[n], y[n + 1])
    assert augmented(x[:1], *POLICIES).shape == (1, 3, 16, 16)


def test_what_is_drawn_is_a_function_of_torchs_seed():
    x = torch.rand(4, 3, 8, 8)
    assert torch.equal(augmented(x, *POLICIES), augmented(x, *POLICIES))
    assert not torch.equal(augmented(x, *POLICIES), augmented(x, *POLICIES, seed=1))


def test_parts_apply_in_the_order_of_the_policy():
    x = torch.full((64, 3, 8, 8), 0.9)
    cut_last = augmented(x, 'color', 'cutout')
    assert (cut_last == 0).flatten(1).any(1).all()
    cut_first = augmented(x, 'cutout', 'color')
    assert not (cut_first == 0).flatten(1).any(1).any()


@pytest.mark.parametrize('name', POLICIES)
def test_parts_agree_with_finite_differences_twice(name):
    x = torch.rand(2, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: augmented(x, name), x)
    assert torch.autograd.gradgradcheck(lambda x: augmented(x, name).square(), x)


def test_half_precision_and_autocast_give_float32():
    x = torch.rand(4, 3, 8, 8)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(augmented(x, *POLICIES), augmented(x, *POLICIES))
        assert augmented(x.bfloat16(), *POLICIES).dtype == torch.float32


@pytest.mark.parametrize('policy', POLICIES)
def test_grey_images_are_augmented_as_three_equal_colours_are(policy):
    grey = torch.rand(4, 1, 16, 16)
    y = augmented(grey, policy)
    assert y.shape == grey.shape
    of_three = augmented(grey.expand(-1, 3, -1, -1), policy)
    assert torch.allclose(y.expand_as(of_three), of_three, atol=1e-6)
