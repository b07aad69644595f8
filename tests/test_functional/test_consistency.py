import pytest
import torch

from reacgan_plugin.functional.consistency import consistency


@pytest.mark.parametrize('shape', [(5,), (1,), (4, 3), (2, 3, 2, 2)])
def test_it_is_the_mean_of_squared_differences(shape):
    first, second = torch.randn(2, *shape).double()
    pairs = zip(first.flatten().tolist(), second.flatten().tolist(), strict=True)
    squares = [(a - b) ** 2 for a, b in pairs]
    expected = sum(squares) / len(squares)
    assert consistency(first, second).item() == pytest.approx(expected, rel=1e-12)


def test_both_views_get_opposite_gradients():
    first, second = torch.randn(2, 4, 3).double()
    first, second = first.requires_grad_(), second.requires_grad_()
    consistency(first, second).backward()
    assert torch.allclose(first.grad, 2 / 12 * (first - second).detach())
    assert torch.equal(first.grad, -second.grad)
    assert torch.autograd.gradcheck(consistency, (first, second))


def test_equal_views_cost_nothing_and_teach_nothing():
    first = torch.randn(4, requires_grad=True)
    penalty = consistency(first, first.detach().clone())
    penalty.backward()
    assert penalty == 0
    assert torch.equal(first.grad, torch.zeros(4))


@pytest.mark.parametrize('half', [torch.float16, torch.bfloat16])
def test_half_precision_is_compared_in_float32(half):
    first, second = torch.randn(2, 64).to(half)
    penalty = consistency(first, second)
    assert penalty.dtype == torch.float32
    assert torch.equal(penalty, consistency(first.float(), second.float()))
    assert torch.equal(penalty, consistency(first.float(), second))


def test_views_of_different_shapes_raise():
    with pytest.raises(ValueError, match=r'\(4,\) and \(4, 1\); allowed: one shape'):
        consistency(torch.zeros(4), torch.zeros(4, 1))
