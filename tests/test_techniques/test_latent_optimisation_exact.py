"""Steps in z are the same for micro-batches as for one batch, under spectral norm."""

import pytest
import torch
from test_gan.test_exact_accumulation import (
    Normed,
    batch_norms_in_evaluation,
    same,
    updated,
)
from test_techniques.test_latent_optimisation import optimising
from tiny_gan import NETWORKS, PlainGenerator, biggan, latents, optimizers, state
from torch.nn.utils import parametrizations
from torch.nn.utils import spectral_norm as old_spectral_norm

from reacgan_plugin.conditioning import D2DCELoss
from reacgan_plugin.techniques.latent_optimisation import LatentOptimisation


@pytest.mark.parametrize('update', NETWORKS)
def test_exact_accumulation_with_spectral_norm_is_the_whole_batch(update):
    technique = LatentOptimisation(damping=0.1, fraction=1.0, steps=2)
    model = biggan(D2DCELoss(embed_dim=4), techniques=[technique])
    model = batch_norms_in_evaluation(model)
    at_once, reference = updated(model, update, parts=1, size=32)
    found, copy = updated(model, update, size=32)
    same(found, at_once)
    for name in NETWORKS:
        same(state(getattr(copy, name)), state(getattr(reference, name)))
    assert found['loss_transport'] > 1e-3


def test_exact_accumulation_draws_the_same_entries_again():
    model, technique = optimising(fraction=0.5)
    whole, found = technique.latent, []

    def recorded(*arguments):
        z = whole(*arguments)
        found.append((z != arguments[0]).clone())
        return z

    technique.latent = recorded
    model.accumulation, model.accumulation_mode = 2, 'exact'
    z, label = latents(8)
    model.update_generator(z, label, optimizers(model, lr=0))
    first, second, first_again, second_again = found
    assert torch.equal(first, first_again)
    assert torch.equal(second, second_again)
    assert not torch.equal(first, second)


@pytest.mark.parametrize('update', NETWORKS)
@pytest.mark.parametrize('norm', [old_spectral_norm, parametrizations.spectral_norm])
def test_spectral_norms_of_torch_iterate_after_the_step_in_z(norm, update):
    # the one after another of torch's old one would spoil the first one's backward
    generator = PlainGenerator()
    generator.map = norm(generator.map)
    model, _ = optimising(generator=generator)
    model.discriminator.backbone = Normed(norm)
    at_once, reference = updated(model, update, parts=1)
    found, copy = updated(model, update)
    same(found, at_once)
    for name in NETWORKS:
        same(state(getattr(copy, name)), state(getattr(reference, name)))
