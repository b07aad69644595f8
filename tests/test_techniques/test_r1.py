import pytest
import torch
from judging import judged_by_discriminator
from slopes import by_differences, flat_discriminator
from tiny_gan import (
    CLASSES,
    batch,
    biggan,
    changed,
    latents,
    optimizers,
    plain_gan,
    state,
)
from torch import nn

from reacgan_plugin.conditioning import AC, PD
from reacgan_plugin.techniques import R1


def penalised(technique=None, **options):
    """A model in training mode whose loss has the penalty."""
    return plain_gan(
        PD(spectral_norm=False), techniques=[technique or R1()], **options
    ).train()


def terms_of(model, data):
    """The penalty's part of the discriminator's objective."""
    judged = judged_by_discriminator(model, data, *latents(len(data['label'])))
    (technique,) = model.techniques
    return technique.discriminator_penalties(judged, model)


@torch.no_grad()
def test_the_penalty_is_half_gamma_times_the_mean_squared_gradient():
    model = penalised(R1(weight=6.0)).double().eval()
    image, label = batch()['image'][:2].double(), batch()['label'][:2]
    with torch.enable_grad():
        penalty = terms_of(model, dict(image=image, label=label))['loss_r1']
    squares = [
        by_differences(model.discriminator, x, y)
        for x, y in zip(image, label, strict=True)
    ]
    assert torch.allclose(penalty, 3 * sum(squares) / 2, rtol=1e-4)


def test_images_are_judged_under_their_own_classes():
    model, data = penalised(), batch()
    other = dict(data, label=(data['label'] + 1) % CLASSES)
    assert terms_of(model, data)['loss_r1'] != terms_of(model, other)['loss_r1']


def test_the_penalty_reaches_the_discriminator_and_not_the_images():
    model, data = penalised(), batch()
    terms_of(model, data)['loss_r1'].backward()
    assert model.discriminator.backbone.conv.weight.grad.abs().max() > 0
    assert data['image'].grad is None
    assert not data['image'].requires_grad


def test_a_lazy_penalty_comes_every_so_many_iterations_and_weighs_as_much_more():
    every, lazy = penalised(), penalised(R1(interval=3))
    lazy.load_state_dict(every.state_dict())
    expected = terms_of(every, batch())['loss_r1']
    for iteration in range(7):
        lazy.iteration = iteration
        terms = terms_of(lazy, batch())
        if iteration % 3:
            assert terms == {}
        else:
            assert torch.allclose(terms['loss_r1'], 3 * expected)


@pytest.mark.parametrize('options', [dict(accumulation=2), dict(d_updates=2)])
def test_a_step_logs_the_penalty_and_pays_for_it(options):
    model = penalised(R1(interval=2), **options)
    wrappers = optimizers(model, lr=0.01)
    outputs = [model.train_step(batch(), wrappers) for _ in range(3)]
    assert ['d/loss_r1' in terms for terms in outputs] == [True, False, True]
    terms = outputs[0]
    parts = terms['d/loss_adversarial'] + terms['d/loss_r1']
    assert torch.isclose(terms['d/loss'], parts)


def test_singular_vectors_and_statistics_stay():
    model = biggan(AC(), techniques=[R1()]).train()
    model.discriminator.backbone.add_module('norm', nn.BatchNorm2d(3))
    forward = model.discriminator.backbone.forward
    model.discriminator.backbone.forward = lambda x: forward(
        model.discriminator.backbone.norm(x)
    )
    data = batch(size=32)
    judged = judged_by_discriminator(model, data, *latents())
    before = state(model)
    assert model.techniques[0].discriminator_penalties(judged, model)
    assert changed(before, model) == set()
    model.discriminator(data['image'], data['label'])
    assert len(changed(before, model)) > 2


def test_the_penalty_is_taken_in_float32_whatever_autocast_says():
    model, data = penalised(), batch()
    expected = terms_of(model, data)['loss_r1']
    with torch.autocast('cpu', torch.bfloat16):
        penalty = terms_of(model, data)['loss_r1']
    assert torch.equal(penalty, expected)


def test_a_flat_discriminator_pays_nothing_and_learns_nothing_from_it():
    model, data = penalised(), batch()
    model.discriminator = flat_discriminator()
    penalty = terms_of(model, data)['loss_r1']
    penalty.backward()
    assert penalty == 0
    assert model.discriminator.backbone.gain.grad == 0


@pytest.mark.parametrize('options', [dict(weight=0), dict(interval=0)])
def test_settings_out_of_range_raise(options):
    with pytest.raises(ValueError, match='=0 is out of range; allowed: above 0'):
        R1(**options)
