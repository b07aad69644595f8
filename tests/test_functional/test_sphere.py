import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F

from reacgan_plugin.functional.sphere import (
    pairwise_cosine,
    project_to_sphere,
    row_cosine,
)


def rows(n=5, width=4, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, width, generator=generator, dtype=dtype).requires_grad_()


@pytest.mark.parametrize('scale', [1e-8, 1.0, 1e6])
def test_rows_get_unit_norm(scale):
    norm = project_to_sphere(scale * rows(dtype=torch.float32)).norm(dim=1)
    assert torch.allclose(norm, torch.ones(5), atol=1e-6)


def test_directions_are_kept():
    x = rows()
    assert torch.allclose(project_to_sphere(x), F.normalize(x, dim=1))


@pytest.mark.parametrize('norm', [0.0, 1e-13, 1e-30])
def test_a_row_without_direction_stays_with_the_gradient_of_the_identity(norm):
    x = torch.zeros(2, 3)
    x[0, 1], x[1, 0] = norm, 2.0
    x.requires_grad_()
    weight = torch.tensor([[1.0, -2.0, 3.0]] * 2)
    y = project_to_sphere(x)
    (y * weight).sum().backward()
    assert torch.equal(y[0], x[0])
    assert torch.equal(x.grad[0], weight[0])
    assert torch.isfinite(x.grad).all()


def test_gradient_and_second_gradient_are_right():
    x, y = rows(), rows().detach().roll(1, 0).requires_grad_()
    for function, inputs in [
        (project_to_sphere, (x,)),
        (row_cosine, (x, y)),
        (pairwise_cosine, (x, y)),
        (lambda z: pairwise_cosine(z, z), (x,)),
    ]:
        assert gradcheck(function, inputs)
        assert gradgradcheck(function, inputs)


def test_cosines_equal_those_of_pairs():
    x, y = rows(5), rows(5).flip(0)
    expected = F.cosine_similarity(x[:, None], y[None], dim=2)
    unit = project_to_sphere(x)
    assert torch.allclose(pairwise_cosine(unit, project_to_sphere(y)), expected)
    assert torch.allclose(row_cosine(unit, y), expected.diagonal())
    assert torch.allclose(
        pairwise_cosine(unit, unit), F.cosine_similarity(x[:, None], x[None], dim=2)
    )


@pytest.mark.parametrize('half', [torch.float16, torch.bfloat16])
def test_half_precision_rows_come_back_in_float32(half):
    y = project_to_sphere(rows(dtype=torch.float32).to(half))
    assert y.dtype == torch.float32
    assert torch.allclose(y.norm(dim=1), torch.ones(5), atol=1e-6)
