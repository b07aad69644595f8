import pytest
import torch

from reacgan_plugin.augment.color import brightness, contrast, saturation

CHANGES = [brightness, saturation, contrast]
AMOUNT = torch.tensor([0.0, 0.5, 2.0], dtype=torch.float64)


def images(rows=3, height=2, width=4):
    return torch.rand(rows, 3, height, width, dtype=torch.float64) * 2 - 1


def by_pixel(x, amount, formula):
    """A formula of a number, its pixel (3,) and its image, number by number."""
    y = torch.empty_like(x)
    for n, c, i, j in torch.cartesian_prod(*(torch.arange(s) for s in x.shape)):
        y[n, c, i, j] = formula(x[n, c, i, j], x[n, :, i, j], x[n], amount[n])
    return y


FORMULAS = {
    brightness: lambda v, pixel, image, a: v + a,
    saturation: lambda v, pixel, image, a: a * v + (1 - a) * pixel.mean(),
    contrast: lambda v, pixel, image, a: a * v + (1 - a) * image.mean(),
}


@pytest.mark.parametrize('change', CHANGES)
def test_a_change_is_its_formula_for_every_number(change):
    x = images()
    assert torch.allclose(change(x, AMOUNT), by_pixel(x, AMOUNT, FORMULAS[change]))


@pytest.mark.parametrize(
    'change, nothing', [(brightness, 0.0), (saturation, 1.0), (contrast, 1.0)]
)
def test_the_neutral_amount_changes_nothing(change, nothing):
    x = images(1)
    assert torch.allclose(change(x, torch.tensor([nothing]).double()), x)


def test_without_saturation_an_image_is_grey():
    y = saturation(images(1), torch.zeros(1).double())
    assert torch.allclose(y, y[:, :1].expand_as(y))


@pytest.mark.parametrize('change', CHANGES)
def test_changes_agree_with_finite_differences_twice(change):
    x = images(width=2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: change(x, AMOUNT), x)
    assert torch.autograd.gradgradcheck(lambda x: change(x, AMOUNT).square(), x)


@pytest.mark.parametrize('change', CHANGES)
def test_half_precision_is_changed_in_float32(change):
    x = images().bfloat16()
    y = change(x, AMOUNT.bfloat16())
    assert y.dtype == torch.float32
    assert torch.equal(y, change(x.float(), AMOUNT.float()))
