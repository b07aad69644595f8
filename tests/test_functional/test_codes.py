import math

import pytest
import torch
from torch.autograd import gradcheck
from torch.distributions import Categorical, Normal

from reacgan_plugin.functional.codes import (
    CodeSizes,
    codes_of,
    continuous_code_loss,
    discrete_code_loss,
)

DRAWS = 40_000


def draws(width, rows=DRAWS):
    random = torch.Generator().manual_seed(0)
    return torch.randn(rows, width, generator=random)


def test_categories_of_normals_are_uniform():
    category = codes_of(draws(10), CodeSizes(discrete=2, categories=5)).category
    assert category.shape == (DRAWS, 2)
    for code in category.unbind(1):
        frequency = torch.bincount(code, minlength=5) / DRAWS
        assert (frequency - 1 / 5).abs().max() < 5 * math.sqrt(0.2 * 0.8 / DRAWS)


def test_numbers_of_normals_are_uniform_between_minus_one_and_one():
    number = codes_of(draws(3), CodeSizes(continuous=3)).number
    assert number.abs().max() <= 1
    expected = torch.linspace(-1, 1, DRAWS)
    for column in number.unbind(1):
        assert (column.sort().values - expected).abs().max() < 0.03


def test_codes_do_not_depend_on_each_other():
    codes = codes_of(draws(8), CodeSizes(discrete=2, categories=3, continuous=2))
    columns = torch.cat([codes.category.float(), codes.number], dim=1)
    correlation = torch.corrcoef(columns.T) - torch.eye(4)
    assert correlation.abs().max() < 5 / math.sqrt(DRAWS)


def test_codes_are_read_from_the_end_categories_before_numbers():
    z = torch.tensor([[9.0, 9.0, 0.1, 0.7, -3.0, 2.0, 1.0, 0.5, 0.0, -8.0]])
    codes = codes_of(z, CodeSizes(discrete=2, categories=3, continuous=2))
    assert codes.category.tolist() == [[1, 0]]
    assert codes.number.tolist() == [[0.0, -1.0]]


def test_a_number_is_twice_the_distribution_function_less_one():
    z = draws(2, rows=50).double()
    number = codes_of(z, CodeSizes(continuous=2)).number
    assert torch.allclose(number, 2 * Normal(0, 1).cdf(z) - 1)
    assert number.dtype == torch.float64


def test_flat_codes_are_one_hot_categories_and_then_numbers():
    sizes = CodeSizes(discrete=2, categories=3, continuous=2)
    codes = codes_of(draws(9, rows=20), sizes)
    flat = codes.flat(3)
    assert flat.shape == (20, sizes.latent)
    assert flat.dtype == torch.float32
    for row, category, number in zip(flat, codes.category, codes.number, strict=True):
        for code, own in enumerate(category):
            group = row[3 * code : 3 * code + 3].tolist()
            assert group == [float(k == own) for k in range(3)]
        assert torch.equal(row[6:], number)


@pytest.mark.parametrize(
    'sizes, latent',
    [
        (CodeSizes(discrete=2, categories=4, continuous=0), 8),
        (CodeSizes(discrete=0, categories=4, continuous=3), 3),
        (CodeSizes(discrete=1, categories=10, continuous=2), 12),
        (CodeSizes(), 0),
    ],
)
@pytest.mark.parametrize('spare', [0, 5])
def test_kinds_of_codes_may_be_absent(sizes, latent, spare):
    assert sizes.latent == latent
    codes = codes_of(draws(latent + spare, rows=7), sizes)
    assert codes.category.shape == (7, sizes.discrete)
    assert codes.number.shape == (7, sizes.continuous)
    assert codes.flat(sizes.categories).shape == (7, latent)


def test_a_z_that_is_too_short_raises():
    message = 'z has 7 entries, the codes are read from 8'
    with pytest.raises(ValueError, match=message):
        codes_of(torch.randn(4, 7), CodeSizes(discrete=2, categories=3, continuous=2))


def test_the_discrete_loss_is_the_negative_log_likelihood_summed_over_codes():
    code_logits, category = torch.randn(6, 2, 4).double(), torch.randint(4, (6, 2))
    expected = -Categorical(logits=code_logits).log_prob(category).sum(1).mean()
    assert torch.isclose(discrete_code_loss(code_logits, category), expected)


def test_the_continuous_loss_is_the_negative_log_likelihood_summed_over_codes():
    mean, number = torch.randn(2, 6, 3).double()
    variance = torch.rand(6, 3).double() + 0.5
    expected = -Normal(mean, variance.sqrt()).log_prob(number).sum(1).mean()
    found = continuous_code_loss(mean, variance, number)
    assert torch.isclose(found, expected, rtol=1e-5)


def test_the_best_variance_is_the_mean_squared_error():
    mean, number = torch.randn(2, 200, 1).double()
    variance = (mean - number).square().mean().expand(200, 1).clone().requires_grad_()
    loss = continuous_code_loss(mean, variance, number)
    (gradient,) = torch.autograd.grad(loss, variance)
    assert gradient.sum().abs() < 1e-5


def test_gradients_are_right():
    code_logits = torch.randn(3, 2, 4).double().requires_grad_()
    category = torch.randint(4, (3, 2))
    assert gradcheck(lambda x: discrete_code_loss(x, category), code_logits)
    mean, number = torch.randn(2, 3, 2).double().requires_grad_()
    variance = (torch.rand(3, 2).double() + 0.5).requires_grad_()
    assert gradcheck(continuous_code_loss, (mean, variance, number))


@pytest.mark.parametrize('variance', [0.0, 1e-30, 1e30])
def test_a_variance_that_vanishes_or_explodes_stays_finite(variance):
    mean = torch.zeros(2, 1, requires_grad=True)
    variance = torch.full((2, 1), variance, requires_grad=True)
    loss = continuous_code_loss(mean, variance, torch.ones(2, 1))
    loss.backward()
    assert loss.isfinite()
    assert mean.grad.isfinite().all()
    assert variance.grad.isfinite().all()


@pytest.mark.parametrize('half', [torch.float16, torch.bfloat16])
def test_half_precision_gives_a_float32_loss(half):
    code_logits, category = torch.randn(4, 1, 3).to(half), torch.zeros(4, 1).long()
    assert discrete_code_loss(code_logits, category).dtype == torch.float32
    mean = torch.randn(4, 2).to(half)
    loss = continuous_code_loss(mean, torch.ones_like(mean), mean)
    assert loss.dtype == torch.float32
    assert torch.isclose(loss, torch.tensor(math.log(2 * math.pi)))
