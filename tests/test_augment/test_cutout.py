import torch

from reacgan_plugin.augment.cutout import cut_out


def cut_pixels(height, width, centre, size):
    """Ones where a rectangle leaves a pixel's centre, pixel by pixel."""
    kept = torch.ones(height, width)
    for i in range(height):
        for j in range(width):
            row = abs(i + 0.5 - centre[0]) < size[0] / 2
            column = abs(j + 0.5 - centre[1]) < size[1] / 2
            kept[i, j] = not (row and column)
    return kept


def test_each_image_loses_its_rectangle():
    x = torch.rand(4, 3, 6, 9) + 1
    centre = torch.tensor([[3.0, 4.0], [0.0, 9.0], [2.5, 1.2], [5.0, 5.0]])
    size = torch.tensor([[2.0, 4.0], [3.0, 4.0], [3.0, 1.0], [0.0, 4.0]])
    expected = torch.stack(
        [
            image * cut_pixels(6, 9, *rectangle)
            for image, *rectangle in zip(x, centre.tolist(), size.tolist(), strict=True)
        ]
    )
    assert torch.equal(cut_out(x, centre, size), expected)
    assert torch.equal(expected[3], x[3])  # of no height
    assert torch.count_nonzero(expected[0] == 0) == 3 * 2 * 4


def test_what_was_cut_gets_no_gradient():
    x = torch.ones(1, 3, 4, 4, requires_grad=True)
    y = cut_out(x, torch.tensor([[1.0, 1.0]]), torch.tensor([[2.0, 2.0]]))
    y.sum().backward()
    assert torch.equal(x.grad, (y != 0).float())
    assert y.sum() == 3 * 12
