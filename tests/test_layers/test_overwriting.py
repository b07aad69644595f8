import pytest
import torch

from reacgan_plugin.layers.overwriting import added, rectified, scaled

GAIN, BIAS = torch.randn(2, 3, 1, 1), torch.randn(2, 3, 1, 1)
STEPS = {
    'rectified': (rectified, lambda x: x.clamp_min(0)),
    'added': (lambda x: added(x, torch.ones(2, 3, 4, 4)), lambda x: x + 1),
    'scaled': (lambda x: scaled(x, GAIN, BIAS), lambda x: x * GAIN + BIAS),
}
every_step = pytest.mark.parametrize('name', STEPS)


@every_step
def test_without_a_graph_the_map_is_written_over(name):
    step, plain = STEPS[name]
    x = torch.randn(2, 3, 4, 4)
    expected = plain(x)
    with torch.no_grad():
        found = step(x)
    assert torch.equal(found, expected)
    assert found.data_ptr() == x.data_ptr()


@every_step
def test_with_a_graph_it_stays_and_has_the_gradient(name):
    step, plain = STEPS[name]
    x = torch.randn(2, 3, 4, 4, requires_grad=True)
    before = x.detach().clone()
    found, expected = step(x), plain(x)
    assert torch.equal(found, expected)
    assert torch.equal(x, before)
    weigh = torch.randn_like(x)
    gradients = (
        torch.autograd.grad((y * weigh).sum(), x)[0] for y in (found, expected)
    )
    assert torch.equal(*gradients)


def test_scaling_has_the_gradients_of_gain_and_bias():
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    given = x, GAIN.double().requires_grad_(), BIAS.double().requires_grad_()
    assert torch.autograd.gradcheck(scaled, given)
    assert torch.autograd.gradgradcheck(scaled, given)
