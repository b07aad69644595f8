import math
import re

import pytest
import torch
from golden_files import load, relative_error
from torch.autograd import gradcheck
from torch.nn import functional as F

from reacgan_plugin import functional

NAMES = ['vanilla', 'logistic', 'hinge', 'least_squares', 'wasserstein']
GOLDEN = {'least_squares': 'least_square'}


def discriminator(name):
    return getattr(functional, f'{name}_discriminator')


def generator(name):
    return getattr(functional, f'{name}_generator')


def logits(dtype=torch.float64, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(6, generator=random, dtype=dtype).requires_grad_()


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('name', NAMES)
def test_discriminator_agrees_with_the_reference(name, dtype):
    golden, _ = load('losses_adversarial')
    key = f'd_{GOLDEN.get(name, name)}'
    real = golden['real'].to(dtype, copy=True).requires_grad_()
    fake = golden['fake'].to(dtype, copy=True).requires_grad_()
    loss = discriminator(name)(real, fake)
    loss.backward()
    assert relative_error(loss, golden[f'{key}.loss']) < 1e-6
    assert relative_error(real.grad, golden[f'{key}.grad_real']) < 1e-6
    assert relative_error(fake.grad, golden[f'{key}.grad_fake']) < 1e-6


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('name', NAMES)
def test_generator_agrees_with_the_reference(name, dtype):
    golden, _ = load('losses_adversarial')
    key = f'g_{GOLDEN.get(name, name)}'
    fake = golden['fake'].to(dtype, copy=True).requires_grad_()
    loss = generator(name)(fake)
    loss.backward()
    assert relative_error(loss, golden[f'{key}.loss']) < 1e-6
    assert relative_error(fake.grad, golden[f'{key}.grad_fake']) < 1e-6


@pytest.mark.parametrize('name', NAMES)
def test_gradients_are_right(name):
    assert gradcheck(discriminator(name), (logits(seed=1), logits(seed=2)))
    assert gradcheck(generator(name), (logits(seed=3),))


@pytest.mark.parametrize('name', ['vanilla', 'logistic'])
def test_saturated_logits_keep_value_and_gradient(name):
    """R10: nothing is clipped by an epsilon."""
    real = torch.tensor([-50.0], requires_grad=True)
    fake = torch.tensor([50.0], requires_grad=True)
    loss = discriminator(name)(real, fake)
    loss.backward()
    assert math.isclose(loss.item(), 100, rel_tol=1e-6)
    assert math.isclose(real.grad.item(), -1, rel_tol=1e-6)
    assert math.isclose(fake.grad.item(), 1, rel_tol=1e-6)
    loser = torch.tensor([-50.0], requires_grad=True)
    generator(name)(loser).backward()
    assert math.isclose(loser.grad.item(), -1, rel_tol=1e-6)


def test_vanilla_is_binary_cross_entropy_on_logits():
    """R10: and not of a rounded sigmoid."""
    real, fake = logits(seed=1), logits(seed=2)
    ones, zeros = torch.ones_like(real), torch.zeros_like(fake)
    bce = F.binary_cross_entropy_with_logits
    expected = bce(real, ones) + bce(fake, zeros)
    assert torch.allclose(functional.vanilla_discriminator(real, fake), expected)
    assert torch.allclose(functional.vanilla_generator(fake), bce(fake, ones))


@pytest.mark.parametrize('name', NAMES)
def test_real_and_fake_batches_may_differ_in_size_and_shape(name):
    loss = discriminator(name)(torch.zeros(3), torch.zeros(5, 1))
    assert loss.shape == ()


@pytest.mark.parametrize('half', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('name', NAMES)
def test_half_precision_logits_give_a_float32_loss(name, half):
    real, fake = torch.full((4,), 300.0, dtype=half), torch.full((4,), 2.0, dtype=half)
    loss = discriminator(name)(real, fake)
    assert loss.dtype == torch.float32
    assert torch.isfinite(loss)
    assert generator(name)(fake).dtype == torch.float32


def pairs(*shape):
    """Real and fake logits."""
    return torch.randn(2, *shape, dtype=torch.float64).requires_grad_().unbind()


def test_relativistic_losses_are_means_over_pairs():
    real, fake = pairs(6)
    discriminator, generator = [], []
    for r, f in zip(real, fake, strict=True):
        margin = (r - f).item()
        discriminator.append(math.log(1 + math.exp(-margin)))
        generator.append(math.log(1 + math.exp(margin)))
    loss = functional.relativistic_discriminator(real, fake)
    assert math.isclose(loss.item(), sum(discriminator) / 6)
    loss = functional.relativistic_generator(fake, real)
    assert math.isclose(loss.item(), sum(generator) / 6)


def test_relativistic_losses_see_the_difference_alone():
    real, fake = pairs(6)
    for loss in (
        functional.relativistic_discriminator,
        functional.relativistic_generator,
    ):
        assert torch.isclose(loss(real + 3, fake + 3), loss(real, fake))
        assert not torch.isclose(loss(real, fake), loss(fake, real))


def test_gradients_of_relativistic_losses_are_right_and_opposite():
    for loss in (
        functional.relativistic_discriminator,
        functional.relativistic_generator,
    ):
        first, second = pairs(5)
        assert gradcheck(loss, (first, second))
        gradients = torch.autograd.grad(loss(first, second), (first, second))
        assert torch.allclose(gradients[0], -gradients[1])


@pytest.mark.parametrize(
    'loss',
    [functional.relativistic_discriminator, functional.relativistic_generator],
)
def test_saturated_relativistic_logits_stay_finite_and_keep_their_gradient(loss):
    loser, winner = torch.tensor([[-500.0], [500.0]], requires_grad=True)
    value = loss(loser, winner)
    assert math.isclose(value.item(), 1000)
    gradients = torch.autograd.grad(value, (loser, winner))
    assert [gradient.item() for gradient in gradients] == [-1, 1]
    assert loss(winner, loser) == 0


@pytest.mark.parametrize('real, fake', [((4,), (3,)), ((4,), (4, 1)), ((1,), (4,))])
def test_relativistic_logits_that_are_no_pairs_raise(real, fake):
    message = re.escape(f'{real} real and {fake} fake logits; allowed: as many')
    with pytest.raises(ValueError, match=message):
        functional.relativistic_discriminator(torch.zeros(real), torch.zeros(fake))
    with pytest.raises(ValueError, match=message):
        functional.relativistic_generator(torch.zeros(fake), torch.zeros(real))


@pytest.mark.parametrize('half', [torch.float16, torch.bfloat16])
def test_half_precision_pairs_give_a_float32_loss(half):
    real, fake = torch.full((4,), 6e4, dtype=half), torch.full((4,), -6e4, dtype=half)
    loss = functional.relativistic_generator(fake, real)
    assert loss.dtype == torch.float32
    assert math.isclose(loss.item(), 1.2e5, rel_tol=0.01)  # over float16's largest
