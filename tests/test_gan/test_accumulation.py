from copy import deepcopy

import pytest
import torch
from tiny_gan import (
    NETWORKS,
    batch,
    gradients,
    latents,
    optimizers,
    plain_gan,
)

from reacgan_plugin.conditioning import AC, D2DCELoss


def head_without_spectral_norm(kind):
    if kind == 'AC':
        return AC(spectral_norm=False)
    return D2DCELoss(embed_dim=5, spectral_norm=False)


@pytest.mark.parametrize('kind', ['AC', 'D2DCE'])
def test_accumulation_averages_the_gradients_of_micro_batches(kind):
    """R21: exactly their mean."""
    model = plain_gan(head_without_spectral_norm(kind), accumulation=4)
    data, (z, fake_label) = batch(12), latents(12)
    rows = (data['image'], data['label'], z, fake_label)
    part_by_part = deepcopy(model)
    part_by_part.accumulation = 1
    expected = []
    for part in zip(*(r.chunk(4) for r in rows), strict=True):
        part_by_part.update_discriminator(*part, optimizers(part_by_part, lr=0))
        expected.append(gradients(part_by_part.discriminator))
    terms = model.update_discriminator(*rows, optimizers(model, lr=0))
    for name, gradient in gradients(model.discriminator).items():
        mean = sum(found[name] for found in expected) / 4
        assert torch.allclose(gradient, mean, atol=1e-6), name
    assert terms['loss'].item() == pytest.approx(
        (terms['loss_adversarial'] + terms['loss_conditioning']).item()
    )


@pytest.mark.parametrize('update', NETWORKS)
def test_accumulation_of_losses_of_single_samples_is_one_large_batch(update):
    at_once = plain_gan()
    data, (z, fake_label) = batch(6), latents(6)
    rows = (z, fake_label)
    if update == 'discriminator':
        rows = (data['image'], data['label'], z, fake_label)
    results = []
    for accumulation in (1, 3):
        model = deepcopy(at_once)
        model.accumulation = accumulation
        terms = getattr(model, f'update_{update}')(*rows, optimizers(model, lr=0))
        results.append({**gradients(getattr(model, update)), **terms})
    for name, value in results[0].items():
        assert torch.allclose(value, results[1][name], atol=1e-5), name
