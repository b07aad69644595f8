from contextlib import nullcontext

import pytest
import torch
from judging import judged_by_discriminator
from slopes import flat_discriminator
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

from reacgan_plugin.conditioning import AC, MH, PD
from reacgan_plugin.gan.technique import Technique
from reacgan_plugin.techniques.apa import APA
from reacgan_plugin.techniques.gradient_penalty import GradientPenalty


def penalised(*techniques, loss=None, **options):
    """A model in training mode whose loss has the penalty, the last technique."""
    techniques = techniques or [GradientPenalty()]
    loss = loss or PD(spectral_norm=False)
    return plain_gan(loss, techniques=techniques, **options).train()


def penalty_of(model, data=None):
    """The penalty's part of the discriminator's objective, at points drawn anew."""
    judged = judged_by_discriminator(model, data or batch(), *latents())
    torch.manual_seed(1)
    return model.techniques[-1].discriminator_penalties(judged, model)


def norms(discriminator, image, label):
    """|d D / d x| of every image, one backward pass after another."""
    found = []
    for x, y in zip(image, label, strict=True):
        x = x[None].detach().requires_grad_()
        realness = discriminator(x, y[None]).realness
        found.append(torch.autograd.grad(realness.sum(), x)[0].norm())
    return torch.stack(found)


def points(model, data):
    """What the technique draws after seed 1, one share a pair."""
    with torch.no_grad():
        fake = model.generator(*latents())
    torch.manual_seed(1)
    shares = torch.rand(len(fake)).tolist()
    triples = zip(shares, data['image'], fake, strict=True)
    return torch.stack([a * x + (1 - a) * y for a, x, y in triples])


@pytest.mark.parametrize('loss', [PD, AC, MH])
def test_the_penalty_is_the_distance_of_norms_from_one_between_reals_and_fakes(loss):
    model = penalised(GradientPenalty(weight=3.0), loss=loss(spectral_norm=False))
    data = batch()
    found = norms(model.discriminator, points(model, data), data['label'])
    expected = 3 * (found - 1).square().mean()
    assert torch.allclose(penalty_of(model, data)['loss_gradient_penalty'], expected)


def test_points_are_judged_under_the_classes_of_the_reals():
    model, data = penalised(), batch()
    other = dict(data, label=(data['label'] + 1) % CLASSES)
    first, second = penalty_of(model, data), penalty_of(model, other)
    assert first['loss_gradient_penalty'] != second['loss_gradient_penalty']


def test_pseudo_reals_of_another_technique_do_not_change_the_classes():
    model = penalised(APA(strength=1.0, target=None), GradientPenalty())
    alone = penalised(GradientPenalty())
    alone.load_state_dict(
        {k: v for k, v in model.state_dict().items() if 'techniques' not in k}
    )
    assert not torch.equal(batch()['label'], latents()[1])
    found, expected = penalty_of(model), penalty_of(alone)
    assert torch.equal(*(t['loss_gradient_penalty'] for t in (found, expected)))


class Blank(Technique):
    """The discriminator sees nothing of the images."""

    def images(self, shown, gan):
        return shown._replace(fake=0 * shown.fake, real=0 * shown.real)


def test_points_lie_between_images_before_augmentation():
    plain, blank = penalised(), penalised(Blank(), GradientPenalty())
    blank.load_state_dict(plain.state_dict())
    assert penalty_of(blank) == penalty_of(plain)


def test_the_penalty_reaches_the_discriminator_and_nothing_else():
    model = penalised()
    judged = judged_by_discriminator(model, batch(), *latents())
    (technique,) = model.techniques
    terms = technique.discriminator_penalties(judged, model)
    terms['loss_gradient_penalty'].backward()
    assert model.discriminator.backbone.conv.weight.grad.abs().max() > 0
    assert all(p.grad is None for p in model.generator.parameters())
    assert judged.image.grad is judged.fake_image.grad is None


def test_a_lazy_penalty_comes_every_so_many_iterations_and_weighs_as_much_more():
    every, lazy = penalised(), penalised(GradientPenalty(interval=3))
    lazy.load_state_dict(every.state_dict())
    expected = penalty_of(every)['loss_gradient_penalty']
    for lazy.iteration in range(7):
        terms = penalty_of(lazy)
        if lazy.iteration % 3:
            assert terms == {}
        else:
            assert torch.allclose(terms['loss_gradient_penalty'], 3 * expected)


EXACT = dict(accumulation=2, accumulation_mode='exact')


@pytest.mark.parametrize('options', [{}, dict(accumulation=2), EXACT])
def test_a_step_logs_the_penalty_and_pays_for_it(options):
    model = penalised(GradientPenalty(interval=2), **options)
    wrappers = optimizers(model, lr=0.01)
    outputs = [model.train_step(batch(), wrappers) for _ in range(3)]
    present = ['d/loss_gradient_penalty' in terms for terms in outputs]
    assert present == [True, False, True]
    terms = outputs[0]
    parts = terms['d/loss_adversarial'] + terms['d/loss_gradient_penalty']
    assert torch.isclose(terms['d/loss'], parts)


def test_points_are_drawn_anew_each_time_and_alike_after_one_seed():
    model = penalised()
    judged = judged_by_discriminator(model, batch(), *latents())
    (technique,) = model.techniques
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        terms = technique.discriminator_penalties(judged, model)
        drawn.append(terms['loss_gradient_penalty'])
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize('name', METHODS)
def test_it_goes_with_every_conditioning(name):
    model = penalised(loss=METHODS[name]())
    penalty = penalty_of(model)['loss_gradient_penalty']
    penalty.backward()
    assert penalty > 0
    gradient = model.discriminator.backbone.conv.weight.grad
    assert gradient.isfinite().all() and gradient.abs().max() > 0


def test_singular_vectors_stay():
    model = biggan(AC(), techniques=[GradientPenalty()]).train()
    judged = judged_by_discriminator(model, batch(size=32), *latents())
    before = state(model)
    assert model.techniques[0].discriminator_penalties(judged, model)
    assert changed(before, model) == set()


def test_the_penalty_is_taken_in_float32_whatever_autocast_says():
    model = penalised()
    expected = penalty_of(model)['loss_gradient_penalty']
    model.amp = 'bf16'
    with torch.autocast('cpu', torch.bfloat16):
        penalty = penalty_of(model)['loss_gradient_penalty']
    assert penalty.dtype == torch.float32
    assert torch.allclose(penalty, expected, rtol=0.01)


def test_a_flat_discriminator_pays_all_of_it_and_gets_a_finite_gradient():
    model = penalised(GradientPenalty(weight=3.0))
    model.discriminator = flat_discriminator()
    penalty = penalty_of(model)['loss_gradient_penalty']
    penalty.backward()
    assert penalty.item() == pytest.approx(3)
    assert model.discriminator.backbone.gain.grad == 0


def test_a_batch_of_one_is_enough():
    model = penalised()
    z, label = latents(1)
    judged = judged_by_discriminator(model, batch(1), z, label)
    (technique,) = model.techniques
    assert technique.discriminator_penalties(judged, model)[technique.term].isfinite()


def test_a_step_asks_the_device_for_no_value(monkeypatch):
    # the meta device has no autocast, not even to be switched off
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: nullcontext())
    assert 'd/loss_gradient_penalty' in step_without_values(penalised())


@pytest.mark.parametrize('options', [dict(weight=0), dict(interval=0)])
def test_settings_out_of_range_raise(options):
    (name,) = options
    with pytest.raises(ValueError, match=f'{name}=0 is out of range; allowed: above 0'):
        GradientPenalty(**options)


def test_its_settings_are_shown():
    expected = 'GradientPenalty(weight=10.0, interval=4)'
    assert repr(GradientPenalty(interval=4)) == expected
