"""Penalties against the reference's numbers, in float64 as whole updates are."""

import pytest
import torch
from golden_files import load, relative_error
from golden_networks import networks, part

from reacgan_plugin.functional.penalties import (
    interpolated,
    largest_square,
    one_centred,
    perturbed,
    r1,
)
from reacgan_plugin.integrations.studiogan import convert_discriminator_state
from reacgan_plugin.techniques.dragan import DRAGAN

DISCRIMINATOR = 'D_bigresnet32_PD'


def between(golden, real):
    fake = golden['fake_image'].double()
    return interpolated(real, fake, golden['alpha'].double().flatten())


def around(golden, real):
    alpha, uniform = golden['alpha'].double(), golden['uniform'].double()
    return perturbed(real, alpha.flatten(), uniform, DRAGAN().deviation(real))


PENALTIES = {
    'r1': (lambda golden, real: real, lambda *of: r1(*of) / 2),
    'gp': (between, one_centred),
    'maxgp': (between, largest_square),
    'dra': (around, one_centred),
}


def penalty_and_gradients(name):
    """Ours, of the golden discriminator; and what the reference has."""
    tensors, metadata = load('regularisers')
    golden = {**part(tensors, f'{name}.'), 'fake_image': tensors['fake_image']}
    batch, of_discriminator = load(DISCRIMINATOR)
    _, discriminator = networks(None, DISCRIMINATOR, of_discriminator['config'])
    discriminator = discriminator.double().eval()
    points, penalty = PENALTIES[name]
    image = points(golden, batch['image'].double()).requires_grad_()
    value = penalty(discriminator(image, batch['label']).logits, image)
    value.backward()
    # a parameter that adds to the logit alone has no gradient at all
    gradients = {
        key: torch.zeros_like(p) if p.grad is None else p.grad
        for key, p in discriminator.named_parameters()
    }
    return value.item(), gradients, golden, metadata['scalars'][name]


@pytest.mark.parametrize('name', PENALTIES)
def test_a_penalty_is_that_of_the_reference(name):
    value, _, golden, scalars = penalty_and_gradients(name)
    assert value == pytest.approx(scalars['value'], rel=1e-5)
    assert value == pytest.approx(golden['value'].item(), rel=1e-5)


@pytest.mark.parametrize('name', PENALTIES)
def test_a_penalty_has_the_gradients_of_the_reference(name):
    _, gradients, golden, scalars = penalty_and_gradients(name)
    stored = convert_discriminator_state(part(golden, 'grad.'))
    assert len(stored) == 5
    for key, expected in stored.items():
        assert relative_error(gradients[key], expected) < 1e-4, key
    norms = {key: norm or 0.0 for key, norm in scalars['grad_norms'].items()}
    converted = convert_discriminator_state(norms)
    assert converted.keys() == gradients.keys()
    for key, expected in converted.items():
        norm = gradients[key].norm().item()
        assert norm == pytest.approx(expected, rel=1e-4, abs=1e-7), key
