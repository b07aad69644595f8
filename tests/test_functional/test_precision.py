import pytest
import torch

from reacgan_plugin.functional.precision import full_precision

HALF = (torch.float16, torch.bfloat16)


@full_precision
def dtypes(*tensors, keyword=None):
    return [tensor.dtype for tensor in tensors], keyword.dtype


@full_precision
def product(x, y):
    return x @ y


@pytest.mark.parametrize('half', HALF)
def test_half_precision_arguments_arrive_in_float32(half):
    x = torch.zeros(2, dtype=half)
    assert dtypes(x, x, keyword=x) == ([torch.float32] * 2, torch.float32)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64, torch.int64])
def test_other_arguments_are_untouched(dtype):
    x = torch.zeros(2, dtype=dtype)
    assert dtypes(x, keyword=x) == ([dtype], dtype)


@pytest.mark.parametrize('half', HALF)
def test_autocast_is_off_inside_and_on_again_outside(half):
    x = torch.full((4, 4), 1 / 3)
    with torch.autocast('cpu', dtype=half):
        inside, outside = product(x, x), x @ x
    assert inside.dtype == torch.float32
    assert torch.equal(inside, x @ x)
    assert outside.dtype == half


def test_gradients_return_in_the_inputs_own_type():
    x = torch.ones(3, 3, dtype=torch.bfloat16, requires_grad=True)
    product(x, x).sum().backward()
    assert x.grad.dtype == torch.bfloat16


def test_values_that_are_not_tensors_pass():
    assert full_precision(lambda number, *, text: (number, text))(1, text='a') == (
        1,
        'a',
    )


def test_the_name_and_docstring_stay():
    assert product.__name__ == 'product'
