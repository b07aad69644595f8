import pytest
import torch

from reacgan_plugin import functional
from reacgan_plugin.conditioning import DiscriminatorOutput
from reacgan_plugin.gan.adversarial import (
    AdversarialLoss,
    Hinge,
    LeastSquares,
    Logistic,
    Relativistic,
    Vanilla,
    Wasserstein,
)

COMPONENTS = {
    'vanilla': Vanilla,
    'logistic': Logistic,
    'hinge': Hinge,
    'least_squares': LeastSquares,
    'wasserstein': Wasserstein,
}
every_loss = pytest.mark.parametrize('name', COMPONENTS)


def output(seed):
    random = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(5, generator=random)
    return DiscriminatorOutput(logits, None, None)


@every_loss
def test_the_discriminators_loss_is_the_function_of_both_logits(name):
    real, fake = output(1), output(2)
    function = getattr(functional, f'{name}_discriminator')
    loss = COMPONENTS[name]().discriminator(real, fake)
    assert torch.equal(loss, function(real.logits, fake.logits))
    assert not torch.isclose(loss, function(fake.logits, real.logits))


@every_loss
def test_the_generators_loss_is_the_function_of_the_fake_logits(name):
    fake = output(2)
    expected = getattr(functional, f'{name}_generator')(fake.logits)
    component = COMPONENTS[name]()
    assert torch.equal(component.generator(fake), expected)
    assert torch.equal(component.generator(fake, output(1)), expected)


@every_loss
def test_none_of_them_needs_reals_or_their_classes_or_has_state(name):
    component = COMPONENTS[name]()
    assert component.needs_real is False
    assert component.shares_labels is False
    assert component.is_hinge is (name == 'hinge')
    assert component.state_dict() == {}


def test_a_new_loss_names_its_two_functions():
    class Margin(AdversarialLoss):
        on_discriminator = staticmethod(lambda real, fake: real.sum() - fake.sum())
        on_generator = staticmethod(lambda fake: 3 * fake.sum())

    real, fake = output(1), output(2)
    expected = real.logits.sum() - fake.logits.sum()
    assert Margin().discriminator(real, fake) == expected
    assert Margin().generator(fake) == 3 * fake.logits.sum()


def test_a_relativistic_loss_is_the_function_of_pairs_in_both_updates():
    real, fake = output(1), output(2)
    component = Relativistic()
    assert torch.equal(
        component.discriminator(real, fake),
        functional.relativistic_discriminator(real.logits, fake.logits),
    )
    assert torch.equal(
        component.generator(fake, real),
        functional.relativistic_generator(fake.logits, real.logits),
    )
    assert not torch.isclose(
        component.generator(fake, real), component.generator(real, fake)
    )


def test_a_relativistic_loss_asks_for_reals_and_for_their_classes():
    component = Relativistic()
    assert component.needs_real is True
    assert component.shares_labels is True
    assert component.is_hinge is False
    assert component.state_dict() == {}


def test_a_relativistic_loss_without_reals_in_the_generators_update_raises():
    with pytest.raises(ValueError, match='Relativistic needs the output for reals'):
        Relativistic().generator(output(2))
