from contextlib import nullcontext

import pytest
import torch
from judging import judged_by_discriminator
from slopes import by_differences
from test_gan.test_waiting import step_without_values
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
from tiny_methods import METHODS

from reacgan_plugin.conditioning import AC, PD
from reacgan_plugin.gan.technique import Technique
from reacgan_plugin.techniques.r1 import R1
from reacgan_plugin.techniques.r2 import R2


def penalised(*techniques, loss=None, **options):
    """A model in training mode whose loss has the penalty, the last technique."""
    techniques = techniques or [R2()]
    loss = loss or PD(spectral_norm=False)
    return plain_gan(loss, techniques=techniques, **options).train()


def penalty_of(model, z=None, fake_label=None):
    """The penalty's part of the discriminator's objective."""
    z, fake_label = latents() if z is None else (z, fake_label)
    judged = judged_by_discriminator(model, batch(), z, fake_label)
    return model.techniques[-1].discriminator_penalties(judged, model)


@torch.no_grad()
def test_the_penalty_is_half_gamma_times_the_mean_squared_gradient_at_fakes():
    model = penalised(R2(weight=6.0)).double().eval()
    real, (z, label) = batch(2), latents(2)
    real, z = dict(real, image=real['image'].double()), z.double()
    image = model.generator(z, label)
    with torch.enable_grad():
        judged = judged_by_discriminator(model, real, z, label)
        terms = model.techniques[0].discriminator_penalties(judged, model)
    squares = [
        by_differences(model.discriminator, x, y)
        for x, y in zip(image, label, strict=True)
    ]
    assert torch.allclose(terms['loss_r2'], 3 * sum(squares) / 2, rtol=1e-4)


def test_it_is_r1_of_the_fakes_and_their_classes():
    model, (z, label) = penalised(R2(weight=3.0)), latents()
    found = penalty_of(model, z, label)['loss_r2']
    with torch.no_grad():
        fakes = dict(image=model.generator(z, label), label=label)
    judged = judged_by_discriminator(model, fakes, *latents(seed=1))
    expected = R1(weight=3.0).discriminator_penalties(judged, model)['loss_r1']
    assert torch.allclose(found, expected)
    assert found != penalty_of(model, z, (label + 1) % CLASSES)['loss_r2']


class Dimmed(Technique):
    """The discriminator sees images of half the contrast."""

    def images(self, shown, gan):
        return shown._replace(fake=shown.fake / 2, real=shown.real / 2)


def test_the_gradient_is_that_with_respect_to_images_before_augmentation():
    plain, dimmed = penalised(), penalised(Dimmed(), R2())
    dimmed.load_state_dict(plain.state_dict())
    with torch.no_grad():  # a discriminator that undoes it has half the gradient
        dimmed.discriminator.backbone.conv.weight.mul_(2)
    assert torch.allclose(penalty_of(dimmed)['loss_r2'], penalty_of(plain)['loss_r2'])


def test_the_penalty_reaches_the_discriminator_and_not_the_generator():
    model = penalised()
    penalty_of(model)['loss_r2'].backward()
    assert model.discriminator.backbone.conv.weight.grad.abs().max() > 0
    assert all(p.grad is None for p in model.generator.parameters())


def test_a_lazy_penalty_comes_every_so_many_iterations_and_weighs_as_much_more():
    every, lazy = penalised(), penalised(R2(interval=3))
    lazy.load_state_dict(every.state_dict())
    expected = penalty_of(every)['loss_r2']
    for lazy.iteration in range(7):
        terms = penalty_of(lazy)
        if lazy.iteration % 3:
            assert terms == {}
        else:
            assert torch.allclose(terms['loss_r2'], 3 * expected)


EXACT = dict(accumulation=2, accumulation_mode='exact')


@pytest.mark.parametrize('options', [{}, dict(accumulation=2), EXACT])
def test_a_step_logs_the_penalty_and_pays_for_it(options):
    model = penalised(R1(), R2(interval=2), **options)
    wrappers = optimizers(model, lr=0.01)
    outputs = [model.train_step(batch(), wrappers) for _ in range(3)]
    assert ['d/loss_r2' in terms for terms in outputs] == [True, False, True]
    terms = outputs[0]
    parts = ('loss_adversarial', 'loss_r1', 'loss_r2')
    assert torch.isclose(terms['d/loss'], sum(terms[f'd/{part}'] for part in parts))


@pytest.mark.parametrize('name', METHODS)
def test_it_goes_with_every_conditioning(name):
    model = penalised(loss=METHODS[name]())
    penalty = penalty_of(model)['loss_r2']
    penalty.backward()
    assert penalty > 0
    gradient = model.discriminator.backbone.conv.weight.grad
    assert gradient.isfinite().all() and gradient.abs().max() > 0


def test_singular_vectors_stay():
    model = biggan(AC(), techniques=[R2()]).train()
    judged = judged_by_discriminator(model, batch(size=32), *latents())
    before = state(model)
    assert model.techniques[0].discriminator_penalties(judged, model)
    assert changed(before, model) == set()


def test_the_penalty_is_taken_in_float32_whatever_autocast_says():
    model = penalised()
    expected = penalty_of(model)['loss_r2']
    with torch.autocast('cpu', torch.bfloat16):
        judged = judged_by_discriminator(model, batch(), *latents())
        penalty = model.techniques[0].discriminator_penalties(judged, model)
    assert penalty['loss_r2'].dtype == torch.float32
    assert torch.allclose(penalty['loss_r2'], expected, rtol=0.01)


def test_a_step_asks_the_device_for_no_value(monkeypatch):
    # the meta device has no autocast, not even to be switched off
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: nullcontext())
    assert 'd/loss_r2' in step_without_values(penalised())


@pytest.mark.parametrize('options', [dict(weight=0), dict(interval=0)])
def test_settings_out_of_range_raise(options):
    (name,) = options
    with pytest.raises(ValueError, match=f'{name}=0 is out of range; allowed: above 0'):
        R2(**options)


def test_its_settings_are_shown():
    assert repr(R2(weight=3.0, interval=4)) == 'R2(weight=3.0, interval=4)'
