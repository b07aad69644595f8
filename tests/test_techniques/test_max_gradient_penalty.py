from contextlib import nullcontext

import pytest
import torch
from judging import judged_by_discriminator
from test_gan.test_waiting import step_without_values
from tiny_gan import batch, latents, optimizers, plain_gan
from tiny_methods import METHODS
from torch import nn

from reacgan_plugin.conditioning import MH, PD
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.techniques.gradient_penalty import GradientPenalty
from reacgan_plugin.techniques.max_gradient_penalty import MaxGradientPenalty

TERM = 'loss_max_gradient_penalty'


def penalised(*techniques, loss=None, **options):
    """A model in training mode whose loss has the penalty, the last technique."""
    techniques = techniques or [MaxGradientPenalty()]
    loss = loss or PD(spectral_norm=False)
    return plain_gan(loss, techniques=techniques, **options).train()


def penalty_of(model):
    """The penalty's part of the discriminator's objective, at points drawn anew."""
    judged = judged_by_discriminator(model, batch(), *latents())
    torch.manual_seed(1)
    return model.techniques[-1].discriminator_penalties(judged, model)


@pytest.mark.parametrize('loss', [PD, MH])
def test_the_penalty_is_the_largest_squared_norm_between_reals_and_fakes(loss):
    model = penalised(
        MaxGradientPenalty(weight=3.0, interval=2), loss=loss(spectral_norm=False)
    )
    with torch.no_grad():
        fakes = model.generator(*latents())
    torch.manual_seed(1)
    shares, squares = torch.rand(4), []
    rows = zip(shares, batch()['image'], fakes, batch()['label'], strict=True)
    for a, x, y, label in rows:
        point = (a * x + (1 - a) * y)[None].requires_grad_()
        output = model.discriminator(point, label[None])
        (gradient,) = torch.autograd.grad(output.realness.sum(), point)
        squares.append(gradient.square().sum())
    assert torch.allclose(penalty_of(model)[TERM], 6 * max(squares))


def test_its_points_are_those_of_the_gradient_penalty():
    model = penalised()
    real, fake = torch.rand(2, 4, 3, 8, 8)
    torch.manual_seed(1)
    expected = GradientPenalty().points(real, fake)
    torch.manual_seed(1)
    assert torch.equal(model.techniques[0].points(real, fake), expected)


class Means(nn.Module):
    """The mean of each channel."""

    out_channels = 3

    def forward(self, image):
        return image.mean(dim=(2, 3))


def test_micro_batches_pay_the_mean_of_their_largest():
    # of a linear discriminator, whose gradient depends on the class alone
    model, head = penalised(accumulation=2), PD(spectral_norm=False).build_head(3, 3)
    model.discriminator = Discriminator(Means(), head)
    of_classes = head.adversarial.weight + head.embedding.weight
    squares = of_classes.square().sum(1) / 64
    expected = 10 * (squares[[0, 1]].max() + squares[[2, 0]].max()) / 2
    terms = model.train_step(batch(), optimizers(model, lr=0.0))
    assert torch.allclose(terms[f'd/{TERM}'], expected)


def test_a_step_logs_the_penalty_and_pays_for_it_beside_the_other_one():
    model = penalised(GradientPenalty(), MaxGradientPenalty(interval=2))
    wrappers = optimizers(model, lr=0.01)
    outputs = [model.train_step(batch(), wrappers) for _ in range(3)]
    assert [f'd/{TERM}' in terms for terms in outputs] == [True, False, True]
    terms = outputs[0]
    parts = ('loss_adversarial', 'loss_gradient_penalty', TERM)
    assert torch.isclose(terms['d/loss'], sum(terms[f'd/{part}'] for part in parts))


@pytest.mark.parametrize('name', METHODS)
def test_it_goes_with_every_conditioning(name):
    model = penalised(loss=METHODS[name]())
    penalty = penalty_of(model)[TERM]
    penalty.backward()
    assert penalty > 0
    gradient = model.discriminator.backbone.conv.weight.grad
    assert gradient.isfinite().all() and gradient.abs().max() > 0


def test_the_penalty_is_taken_in_float32_whatever_autocast_says():
    model = penalised()
    expected = penalty_of(model)[TERM]
    model.amp = 'bf16'
    with torch.autocast('cpu', torch.bfloat16):
        penalty = penalty_of(model)[TERM]
    assert penalty.dtype == torch.float32
    assert torch.allclose(penalty, expected, rtol=0.01)


def test_a_step_asks_the_device_for_no_value(monkeypatch):
    # the meta device has no autocast, not even to be switched off
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: nullcontext())
    assert f'd/{TERM}' in step_without_values(penalised())


@pytest.mark.parametrize('options', [dict(weight=0), dict(interval=0)])
def test_settings_out_of_range_raise(options):
    (name,) = options
    with pytest.raises(ValueError, match=f'{name}=0 is out of range; allowed: above 0'):
        MaxGradientPenalty(**options)


def test_its_settings_are_shown():
    expected = 'MaxGradientPenalty(weight=10.0, interval=4)'
    assert repr(MaxGradientPenalty(interval=4)) == expected
