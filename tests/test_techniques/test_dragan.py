from contextlib import nullcontext

import pytest
import torch
from judging import judged_by_discriminator
from test_gan.test_waiting import step_without_values
from tiny_gan import batch, latents, optimizers, plain_gan
from tiny_methods import METHODS

from reacgan_plugin.conditioning import MH, PD
from reacgan_plugin.techniques import dragan
from reacgan_plugin.techniques.dragan import DRAGAN


def penalised(technique=None, loss=None, **options):
    """A model in training mode whose loss has the penalty."""
    loss = loss or PD(spectral_norm=False)
    return plain_gan(loss, techniques=[technique or DRAGAN()], **options).train()


def penalty_of(model, seed=0):
    """The penalty's part of the discriminator's objective, at points drawn anew."""
    judged = judged_by_discriminator(model, batch(), *latents(seed=seed))
    torch.manual_seed(1)
    return model.techniques[0].discriminator_penalties(judged, model)


@pytest.mark.parametrize('loss', [PD, MH])
def test_the_penalty_is_the_distance_of_norms_from_one_around_reals(loss):
    technique = DRAGAN(weight=3.0, interval=2)
    model = penalised(technique, loss(spectral_norm=False))
    real, label = batch()['image'], batch()['label']
    torch.manual_seed(1)
    shares, noise = torch.rand(4), torch.rand(4, 3, 8, 8)
    mean = real.sum() / real.numel()
    deviation = ((real - mean).square().sum() / real.numel()).sqrt()
    total = 0
    for a, u, x, y in zip(shares, noise, real, label, strict=True):
        point = (x + a * 0.5 * deviation * u)[None].requires_grad_()
        output = model.discriminator(point, y[None])
        (gradient,) = torch.autograd.grad(output.realness.sum(), point)
        total += (gradient.norm() - 1) ** 2
    assert torch.allclose(penalty_of(model)['loss_dragan'], 6 * total / 4)


def test_fakes_do_not_matter():
    model = penalised()
    assert penalty_of(model, seed=0) == penalty_of(model, seed=1)


@pytest.mark.parametrize('rows', [1, 5])
def test_the_deviation_is_that_of_all_values(rows):
    images = torch.randn(rows, 3, 4, 4).double() + torch.arange(rows).view(-1, 1, 1, 1)
    expected = images.std(correction=0)
    assert torch.allclose(DRAGAN().deviation(images), expected)


def test_equal_values_have_no_deviation():
    images = torch.full((4, 3, 8, 8), 0.1)
    assert DRAGAN().deviation(images) < 1e-6


def test_the_deviation_is_that_of_all_processes(monkeypatch):
    images = torch.randn(6, 3, 4, 4).double() + torch.arange(6).view(-1, 1, 1, 1)
    others = [[x.var(correction=0), x.mean()] for x in images[2:]]
    monkeypatch.setattr(dragan, 'default_group', lambda: 'everybody')
    monkeypatch.setattr(
        dragan,
        'gather_rows',
        lambda rows, group: torch.cat([rows, rows.new_tensor(others)]) if group else 0,
    )
    assert torch.allclose(DRAGAN().deviation(images[:2]), images.std(correction=0))


@pytest.mark.parametrize(
    'options', [{}, dict(accumulation=2), dict(accumulation_mode='exact')]
)
def test_a_step_logs_the_penalty_and_pays_for_it(options):
    model = penalised(DRAGAN(interval=2), **{'accumulation': 2, **options})
    wrappers = optimizers(model, lr=0.01)
    outputs = [model.train_step(batch(), wrappers) for _ in range(3)]
    assert ['d/loss_dragan' in terms for terms in outputs] == [True, False, True]
    terms = outputs[0]
    parts = terms['d/loss_adversarial'] + terms['d/loss_dragan']
    assert torch.isclose(terms['d/loss'], parts)


@pytest.mark.parametrize('name', METHODS)
def test_it_goes_with_every_conditioning(name):
    model = penalised(loss=METHODS[name]())
    penalty = penalty_of(model)['loss_dragan']
    penalty.backward()
    assert penalty > 0
    gradient = model.discriminator.backbone.conv.weight.grad
    assert gradient.isfinite().all() and gradient.abs().max() > 0


def test_the_penalty_is_taken_in_float32_whatever_autocast_says():
    model = penalised()
    expected = penalty_of(model)['loss_dragan']
    model.amp = 'bf16'
    with torch.autocast('cpu', torch.bfloat16):
        penalty = penalty_of(model)['loss_dragan']
    assert penalty.dtype == torch.float32
    assert torch.allclose(penalty, expected, rtol=0.01)


def test_a_step_asks_the_device_for_no_value(monkeypatch):
    # the meta device has no autocast, not even to be switched off
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: nullcontext())
    assert 'd/loss_dragan' in step_without_values(penalised())


@pytest.mark.parametrize('options', [dict(weight=0), dict(interval=0)])
def test_settings_out_of_range_raise(options):
    (name,) = options
    with pytest.raises(ValueError, match=f'{name}=0 is out of range; allowed: above 0'):
        DRAGAN(**options)


def test_its_settings_are_shown():
    assert repr(DRAGAN(interval=4)) == 'DRAGAN(weight=10.0, interval=4)'
