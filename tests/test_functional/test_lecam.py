import pytest
import torch
from golden_files import load, relative_error

from reacgan_plugin.functional.lecam import lecam


def leaves(golden, row):
    """Logits of one update of the trace, and the averages after it."""
    logits = [golden[f'lecam.{k}_logits'][row].clone() for k in ('real', 'fake')]
    return [x.requires_grad_() for x in logits], golden['lecam.trace'][row, :2]


@pytest.mark.parametrize('row', range(12))
def test_the_penalty_is_that_of_the_reference(row):
    golden, _ = load('regularisers')
    logits, averages = leaves(golden, row)
    penalty = golden['lecam.trace'][row, 2]
    assert relative_error(lecam(*logits, *averages), penalty) < 1e-5


def test_gradients_are_those_of_the_reference():
    golden, _ = load('regularisers')
    logits, averages = leaves(golden, -1)
    lecam(*logits, *averages).backward()
    for name, x in zip(('real', 'fake'), logits, strict=True):
        assert relative_error(x.grad, golden[f'lecam.last_grad_{name}']) < 1e-4


def by_loop(real, fake, real_average, fake_average):
    above = [max(0.0, d - fake_average) ** 2 for d in real.tolist()]
    below = [max(0.0, real_average - d) ** 2 for d in fake.tolist()]
    return sum(above) / len(above) + sum(below) / len(below)


@pytest.mark.parametrize('reals, fakes', [(5, 5), (3, 7), (1, 1)])
def test_the_penalty_is_the_equation(reals, fakes):
    real, fake = torch.randn(reals).double() + 1, torch.randn(fakes).double() - 1
    averages = torch.tensor([0.3, -0.4], dtype=torch.float64)
    penalty = lecam(real, fake, *averages)
    assert penalty.item() == pytest.approx(by_loop(real, fake, 0.3, -0.4), rel=1e-12)


def test_gradients_are_those_of_finite_differences():
    real, fake = (torch.randn(6).double().requires_grad_() for _ in range(2))
    averages = torch.tensor([0.2, -0.3]).double()
    assert torch.autograd.gradcheck(lambda r, f: lecam(r, f, *averages), (real, fake))


def test_a_discriminator_that_parts_no_more_than_on_average_pays_nothing():
    real = torch.full((4,), -1.0, requires_grad=True)
    fake = torch.full((4,), 1.0, requires_grad=True)
    penalty = lecam(real, fake, torch.tensor(0.5), torch.tensor(-0.5))
    penalty.backward()
    assert penalty == 0
    assert torch.equal(real.grad, torch.zeros(4))
    assert torch.equal(fake.grad, torch.zeros(4))


def test_averages_are_constants():
    averages = torch.zeros(2, requires_grad=True)
    real = torch.ones(3, requires_grad=True)
    lecam(real, -real, *averages).backward()
    assert averages.grad is None
    assert real.grad.abs().min() > 0


@pytest.mark.parametrize('half', [torch.float16, torch.bfloat16])
def test_half_precision_is_squared_and_summed_in_float32(half):
    real, fake = (300 + torch.rand(64)).to(half), (-300 + torch.rand(64)).to(half)
    averages = torch.tensor([0.0, 0.0]).to(half)
    penalty = lecam(real, fake, *averages)
    assert penalty.dtype == torch.float32
    assert torch.equal(
        penalty, lecam(*(x.float() for x in (real, fake)), *averages.float())
    )
    assert penalty.isfinite()  # a square of 300 is beyond float16
