import pytest
import torch

from reacgan_plugin.augment.translation import translated


def shifted(image, down, right):
    """One image (C, H, W), pixel by pixel."""
    y = torch.zeros_like(image)
    height, width = image.shape[1:]
    for i in range(height):
        for j in range(width):
            if 0 <= i - down < height and 0 <= j - right < width:
                y[:, i, j] = image[:, i - down, j - right]
    return y


@pytest.mark.parametrize('height, width', [(5, 5), (4, 7), (1, 3)])
def test_every_image_moves_its_own_way_with_zeros_behind(height, width):
    x = torch.randn(6, 3, height, width)
    down = torch.tensor([0, 1, -1, 2, 0, -4])
    right = torch.tensor([0, 0, 2, -1, 1, 3])
    y = translated(x, down, right)
    moves = zip(x, down.tolist(), right.tolist(), strict=True)
    assert torch.equal(y, torch.stack([shifted(*move) for move in moves]))


def test_an_image_that_has_left_is_zero():
    x = torch.ones(2, 3, 4, 4)
    y = translated(x, torch.tensor([4, 0]), torch.tensor([0, -9]))
    assert torch.equal(y, torch.zeros_like(x))


def test_memory_format_does_not_matter():
    x, shift = torch.randn(2, 3, 4, 6), torch.tensor([1, -2])
    last = x.contiguous(memory_format=torch.channels_last)
    assert torch.equal(translated(last, shift, shift), translated(x, shift, shift))


def test_the_shift_agrees_with_finite_differences_twice():
    x = torch.randn(2, 1, 3, 4, dtype=torch.float64, requires_grad=True)
    down, right = torch.tensor([1, -1]), torch.tensor([0, 2])
    assert torch.autograd.gradcheck(lambda x: translated(x, down, right), x)
    assert torch.autograd.gradgradcheck(
        lambda x: translated(x, down, right).square(), x
    )
