import pytest
import torch

from reacgan_plugin.functional.latent_optimisation import natural_step


@pytest.mark.parametrize('rows', [1, 5])
def test_a_step_is_the_gradient_divided_by_the_damped_fisher_matrix(rows):
    gradient = 3 * torch.randn(rows, 4).double()
    fisher = torch.einsum('ni,nj->nij', gradient, gradient) + 0.7 * torch.eye(4)
    expected = 0.9 * torch.linalg.solve(fisher, gradient)
    assert torch.allclose(natural_step(gradient, rate=0.9, damping=0.7), expected)


def test_samples_step_by_themselves():
    gradient = torch.randn(6, 4)
    steps = natural_step(gradient, rate=0.9, damping=5.0)
    alone = [natural_step(g[None], rate=0.9, damping=5.0) for g in gradient]
    assert torch.allclose(steps, torch.cat(alone))


def test_steep_gradients_make_no_long_steps():
    gradient = torch.logspace(-3, 9, 50)[:, None]
    lengths = natural_step(gradient, rate=0.9, damping=4.0).norm(dim=1)
    assert lengths.max() <= 0.9 / 4 + 1e-6
    assert lengths.max() > 0.2
    assert lengths[-1] < 1e-6


def test_a_zero_gradient_makes_no_step_and_has_a_finite_derivative():
    gradient = torch.zeros(2, 4, requires_grad=True)
    step = natural_step(gradient, rate=0.9, damping=5.0)
    step.sum().backward()
    assert torch.equal(step, torch.zeros(2, 4))
    assert torch.allclose(gradient.grad, torch.full((2, 4), 0.9 / 5))


def test_derivatives_are_those_of_finite_differences():
    gradient = torch.randn(3, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda g: natural_step(g, rate=0.9, damping=0.5), gradient
    )


def test_half_precision_is_squared_in_float32():
    gradient = torch.full((2, 4), 300.0).half()  # whose square is beyond float16
    step = natural_step(gradient, rate=0.9, damping=5.0)
    assert step.dtype == torch.float32
    assert torch.equal(step, natural_step(gradient.float(), rate=0.9, damping=5.0))
