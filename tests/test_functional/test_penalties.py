import math

import pytest
import torch

from reacgan_plugin.functional.penalties import path_lengths, r1


def images(*shape, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, requires_grad=True)


def test_r1_of_a_quadratic_is_its_gradient_squared():
    # D(x) = x.Ax / 2 with symmetric A has the gradient Ax
    image = images(3, 1, 2, 2)
    matrix = torch.randn(4, 4).double()
    matrix = matrix + matrix.T
    x = image.flatten(1)
    logits = torch.einsum('ni,ij,nj->n', x, matrix, x) / 2
    penalty = r1(logits, image)
    expected = (x @ matrix).square().sum(1).mean()
    assert torch.allclose(penalty, expected)
    (gradient,) = torch.autograd.grad(penalty, image)
    expected = 2 / 3 * x @ matrix @ matrix
    assert torch.allclose(gradient.flatten(1), expected)


def test_r1_of_a_linear_discriminator_does_not_depend_on_the_image():
    image, weight = images(5, 3, 2, 2), torch.randn(12).double().requires_grad_()
    penalty = r1(image.flatten(1) @ weight, image)
    assert torch.allclose(penalty, weight.square().sum())
    assert torch.allclose(torch.autograd.grad(penalty, weight)[0], 2 * weight)


def test_r1_sums_logits_of_any_shape():
    image = images(4, 1, 2, 2)
    logits = image.flatten(1) ** 3
    assert torch.allclose(r1(logits, image), r1(logits.sum(1), image))


def lengths_of(jacobian, ws, noise):
    """Images that are a linear map of ws: (P, L W)."""
    image = (ws.flatten(1) @ jacobian.T).unflatten(1, noise.shape[1:])
    return path_lengths(image, ws, noise)


@pytest.mark.parametrize('height, width', [(2, 2), (2, 3)])
def test_path_lengths_of_a_linear_generator_are_those_of_its_jacobian(height, width):
    jacobian = torch.randn(3 * height * width, 10).double().requires_grad_()
    noise = torch.randn(4, 3, height, width).double()
    lengths = lengths_of(jacobian, images(4, 2, 5), noise)
    product = noise.flatten(1) @ jacobian / math.sqrt(height * width)
    expected = product.unflatten(1, (2, 5)).square().sum(2).mean(1).sqrt()
    assert torch.allclose(lengths, expected)
    ours = torch.autograd.grad(lengths.sum(), jacobian, retain_graph=True)[0]
    assert torch.allclose(ours, torch.autograd.grad(expected.sum(), jacobian)[0])


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_an_image_that_does_not_depend_on_w_has_no_length_and_no_gradient(dtype):
    jacobian = torch.zeros(12, 10, dtype=dtype, requires_grad=True)
    noise = torch.randn(4, 3, 2, 2, dtype=dtype)
    lengths = lengths_of(jacobian, images(4, 2, 5, dtype=dtype), noise)
    assert lengths.max() <= 1e-7
    (lengths - 1).square().mean().backward()
    assert torch.equal(jacobian.grad, torch.zeros_like(jacobian))


def test_a_dead_discriminator_has_no_penalty_and_a_finite_gradient():
    image, weight = images(4, 3, 2, 2), torch.zeros(12).double().requires_grad_()
    penalty = r1(image.flatten(1) @ weight, image)
    penalty.backward()
    assert penalty == 0
    assert torch.equal(weight.grad, torch.zeros_like(weight))


def penalties(image, ws, weight):
    """Both of them, of a network without any layer that autocast would touch."""
    logits = (image * weight).flatten(1).tanh().sum(1)
    made = ws.sum(1)[:, :, None, None].tanh() * weight
    return r1(logits, image), path_lengths(made, ws, torch.ones_like(made))


@pytest.mark.parametrize('half', [torch.float16, torch.bfloat16])
def test_inputs_in_half_precision_are_squared_and_summed_in_float32(half):
    inputs = [torch.rand(4, 3, 8, 8), torch.rand(4, 2, 3), torch.rand(3, 8, 8)]
    expected = penalties(*[t.clone().requires_grad_() for t in inputs])
    halves = penalties(*[t.to(half).requires_grad_() for t in inputs])
    for actual, value in zip(halves, expected, strict=True):
        assert actual.dtype == torch.float32
        assert torch.allclose(actual, value, rtol=0.02)


def test_autocast_does_not_reach_the_gradients():
    weight = torch.randn(12, 12, requires_grad=True)
    image = torch.randn(4, 3, 2, 2, requires_grad=True)
    logits = (image.flatten(1) @ weight).square().sum(1)
    expected = r1(logits, image)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(r1(logits, image), expected)


def test_penalties_agree_with_finite_differences_of_their_gradients():
    image, ws = images(2, 3, 2, 2), images(2, 2, 3)
    weight = torch.randn(3, 2, 2).double().requires_grad_()
    assert torch.autograd.gradcheck(penalties, (image, ws, weight))
