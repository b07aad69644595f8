from contextlib import nullcontext

import pytest
import torch
from judging import judged_by_discriminator
from test_gan.test_exact_accumulation import same, updated
from test_gan.test_waiting import step_without_values
from tiny_gan import batch, biggan, changed, latents, optimizers, plain_gan, state
from tiny_methods import METHODS
from torch import nn

from reacgan_plugin.conditioning import AC, MH, PD, D2DCELoss
from reacgan_plugin.techniques.consistency import ConsistencyRegularisation


class Mirror(nn.Module):
    """A view without randomness."""

    def forward(self, image):
        return image.flip(3)


def mirrored(technique=None, **options):
    technique = technique or ConsistencyRegularisation(**options)
    technique.view = Mirror()
    return technique


def terms_of(model, judged=None):
    (technique,) = model.techniques
    if judged is None:
        judged = judged_by_discriminator(model, batch(), *latents())
    return technique.discriminator_penalties(judged, model)


def outputs(model, image):
    """Logits, class logits and embeddings of real samples."""
    said = model.discriminator(image, batch()['label'])
    return said.logits, said.class_logits, said.embedding


@pytest.mark.parametrize(
    'loss, compared', [(PD(), (0,)), (AC(), (0, 1)), (D2DCELoss(embed_dim=4), (0, 2))]
)
def test_the_penalty_is_the_mean_squared_difference_of_all_that_is_said(loss, compared):
    model = plain_gan(loss, techniques=[mirrored(weight=3.0)]).double().eval()
    image = batch()['image'].double()
    (z, label), labels = latents(), batch()['label']
    judged = judged_by_discriminator(
        model, dict(image=image, label=labels), z.double(), label
    )
    first, second = outputs(model, image), outputs(model, image.flip(3))
    expected = sum(
        ((first[n] - second[n]) ** 2).sum() / first[n].numel() for n in compared
    )
    found = terms_of(model, judged)['loss_consistency']
    assert torch.isclose(found, 3 * expected)
    weight = model.discriminator.backbone.conv.weight
    ours = torch.autograd.grad(found, weight)[0]
    theirs = torch.autograd.grad(3 * expected, weight)[0]
    assert torch.allclose(ours, theirs)  # through both views
    assert ours.abs().max() > 0


@pytest.mark.parametrize('of', [['logits'], ['class_logits'], ['embedding', 'logits']])
def test_what_is_compared_can_be_chosen(of):
    model = plain_gan(AC(), techniques=[mirrored(weight=1.0, of=of)]).eval()
    first = outputs(model, batch()['image'])
    second = outputs(model, batch()['image'].flip(3))
    number = ['logits', 'class_logits'].index(of[-1])
    expected = (first[number] - second[number]).square().mean()
    assert torch.isclose(terms_of(model)['loss_consistency'], expected)


def test_nothing_to_compare_raises():
    model = plain_gan(PD(), techniques=[ConsistencyRegularisation(of=['embedding'])])
    message = r"of=\('embedding',\), but .* says none of it; allowed: 'logits'"
    with pytest.raises(ValueError, match=message):
        model.train_step(batch(), optimizers(model))


def test_views_are_judged_under_the_classes_of_the_images():
    model = plain_gan(PD(), techniques=[mirrored()])
    data = batch()
    passes = []
    model.discriminator.register_forward_pre_hook(
        lambda network, given, keywords: passes.append((given, keywords)),
        with_kwargs=True,
    )
    terms_of(model)
    (image, label), keywords = passes[-1]
    assert torch.equal(image, data['image'].flip(3))
    assert torch.equal(label, data['label'])
    assert keywords == dict(fake=False)


def test_the_penalty_reaches_the_discriminator_and_nothing_else():
    model = plain_gan(AC(), techniques=[ConsistencyRegularisation()])
    judged = judged_by_discriminator(model, batch(), *latents())
    terms_of(model, judged)['loss_consistency'].backward()
    assert model.discriminator.backbone.conv.weight.grad.abs().max() > 0
    assert all(p.grad is None for p in model.generator.parameters())
    assert judged.image.grad is None


def test_singular_vectors_and_statistics_stay():
    model = biggan(AC(), techniques=[ConsistencyRegularisation()]).train()
    backbone = model.discriminator.backbone
    backbone.add_module('norm', nn.BatchNorm2d(3))
    forward = backbone.forward
    backbone.forward = lambda x: forward(backbone.norm(x))
    judged = judged_by_discriminator(model, batch(size=32), *latents())
    before = state(model)
    assert terms_of(model, judged)['loss_consistency'] > 0
    assert changed(before, model) == set()


@pytest.mark.parametrize('options', [dict(accumulation=2), dict(d_updates=2)])
def test_a_step_logs_the_penalty_and_pays_for_it(options):
    model = plain_gan(techniques=[ConsistencyRegularisation()], **options)
    terms = model.train_step(batch(), optimizers(model))
    names = ('loss_adversarial', 'loss_conditioning', 'loss_consistency')
    total = sum(terms[f'd/{name}'] for name in names)
    assert torch.isclose(terms['d/loss'], total)
    assert terms['d/loss_consistency'] > 0
    assert 'g/loss_consistency' not in terms


def test_the_penalty_is_taken_in_float32_whatever_autocast_says():
    model = biggan(PD(), techniques=[mirrored(weight=1.0)]).train()
    for _ in range(20):  # until singular vectors have settled
        model.discriminator(batch(size=32)['image'], batch()['label'])
    penalties = []
    for model.amp in (None, 'bf16'):
        judged = judged_by_discriminator(model, batch(size=32), *latents())
        penalties.append(terms_of(model, judged)['loss_consistency'].item())
    assert penalties[1] == pytest.approx(penalties[0], rel=0.01)


@pytest.mark.parametrize('name', METHODS)
def test_every_conditioning_trains_with_it(name):
    model = plain_gan(
        METHODS[name](spectral_norm=False), techniques=[ConsistencyRegularisation()]
    )
    terms = model.train_step(batch(), optimizers(model))
    assert all(term.isfinite() for term in terms.values())
    assert terms['d/loss_consistency'] > 0


def test_all_logits_of_multi_hinge_are_compared():
    model = plain_gan(MH(), techniques=[mirrored(weight=1.0)]).eval()
    first, second = (
        outputs(model, image)[0]
        for image in (batch()['image'], batch()['image'].flip(3))
    )
    assert first.shape == (4, 4)
    expected = (first - second).square().mean()
    assert torch.isclose(terms_of(model)['loss_consistency'], expected)


def test_exact_accumulation_is_the_whole_batch():
    model = plain_gan(AC(), techniques=[mirrored()])
    at_once, _ = updated(model, 'discriminator', parts=1)
    found, _ = updated(model, 'discriminator')
    same(found, at_once)
    assert 'loss_consistency' in found


def test_a_single_sample_is_enough():
    model = plain_gan(techniques=[ConsistencyRegularisation()])
    terms = model.train_step(batch(1), optimizers(model))
    assert terms['d/loss_consistency'].isfinite()


def test_a_step_asks_the_device_for_no_value(monkeypatch):
    # the meta device has no autocast, not even to be switched off
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: nullcontext())
    model = plain_gan(techniques=[ConsistencyRegularisation()])
    assert 'd/loss_consistency' in step_without_values(model)


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(weight=0), 'weight=0 is out of range; allowed: above 0'),
        (dict(of=['logit']), "of='logit' is not known; .*did you mean 'logits'"),
        (dict(of=[]), r'of=\[\] names nothing'),
        (dict(shift=0.7), 'shift=0.7 is out of range'),
    ],
)
def test_settings_that_make_no_sense_raise(options, message):
    with pytest.raises(ValueError, match=message):
        ConsistencyRegularisation(**options)


def test_its_settings_are_shown():
    shown = repr(ConsistencyRegularisation(weight=2.0, of=['logits']))
    assert "weight=2.0, of=('logits',)" in shown
    assert 'flip=True, shift=0.125' in shown
