import pytest
import torch
from judging import judged_by_discriminator
from test_gan.test_exact_accumulation import same, updated
from test_techniques.test_consistency import mirrored
from tiny_gan import batch, latents, optimizers, plain_gan
from tiny_methods import METHODS

from reacgan_plugin.conditioning import AC, ADC, PD
from reacgan_plugin.techniques.balanced_consistency import (
    BalancedConsistencyRegularisation,
)
from reacgan_plugin.techniques.consistency import ConsistencyRegularisation


def balanced(loss=None, **options):
    technique = mirrored(BalancedConsistencyRegularisation(**options))
    return plain_gan(loss or PD(), techniques=[technique])


def terms_of(model, judged=None):
    (technique,) = model.techniques
    judged = judged or judged_by_discriminator(model, batch(), *latents())
    return technique.discriminator_penalties(judged, model)


def test_fakes_are_penalised_as_reals_are_by_a_weight_of_their_own():
    model = balanced(weight_real=2.0, weight_fake=3.0).eval()
    (z, label), data = latents(), batch()
    fake = model.generator(z, label)
    views = {
        'loss_consistency': (2, data['image'], data['label']),
        'loss_consistency_fake': (3, fake, label),
    }
    terms = terms_of(model)
    assert terms.keys() == views.keys()
    for name, (weight, image, own) in views.items():
        pair = (model.discriminator(x, own).logits for x in (image, image.flip(3)))
        first, second = pair
        assert torch.isclose(terms[name], weight * (first - second).square().mean())


def test_the_reals_term_is_that_of_the_unbalanced_one():
    model = balanced(AC(), weight_real=4.0)
    judged = judged_by_discriminator(model, batch(), *latents())
    plain = mirrored(ConsistencyRegularisation(weight=4.0))
    expected = plain.discriminator_penalties(judged, model)['loss_consistency']
    assert torch.equal(terms_of(model, judged)['loss_consistency'], expected)


def test_views_of_fakes_are_judged_as_fakes():
    # which matters to those that embed them otherwise
    model, kinds = balanced(ADC(AC())), []
    judged = judged_by_discriminator(model, batch(), *latents())
    model.discriminator.register_forward_pre_hook(
        lambda network, given, keywords: kinds.append(keywords['fake']),
        with_kwargs=True,
    )
    terms_of(model, judged)
    assert kinds == [False, True]


def test_penalties_reach_the_discriminator_and_nothing_else():
    model = balanced()
    judged = judged_by_discriminator(model, batch(), *latents())
    terms_of(model, judged)['loss_consistency_fake'].backward()
    assert model.discriminator.backbone.conv.weight.grad.abs().max() > 0
    assert all(p.grad is None for p in model.generator.parameters())
    assert judged.fake_image.grad is None


@pytest.mark.parametrize('name', METHODS)
def test_every_conditioning_trains_with_it(name):
    technique = BalancedConsistencyRegularisation()
    model = plain_gan(METHODS[name](spectral_norm=False), techniques=[technique])
    terms = model.train_step(batch(), optimizers(model))
    assert all(term.isfinite() for term in terms.values())
    assert terms['d/loss_consistency_fake'] > 0
    names = [name for name in terms if name.startswith('d/loss_')]
    assert torch.isclose(terms['d/loss'], sum(terms[name] for name in names))


def test_exact_accumulation_is_the_whole_batch():
    model = balanced(AC())
    at_once, _ = updated(model, 'discriminator', parts=1)
    found, _ = updated(model, 'discriminator')
    same(found, at_once)
    assert 'loss_consistency_fake' in found


def test_both_at_once_would_count_reals_twice_and_raise():
    pair = [BalancedConsistencyRegularisation(), ConsistencyRegularisation()]
    with pytest.raises(ValueError, match='reals would count twice'):
        plain_gan(techniques=pair)


@pytest.mark.parametrize('name', ['weight_real', 'weight_fake'])
def test_settings_out_of_range_raise(name):
    with pytest.raises(ValueError, match=f'{name}=0 is out of range; allowed: above 0'):
        BalancedConsistencyRegularisation(**{name: 0})


def test_its_settings_are_shown():
    shown = repr(BalancedConsistencyRegularisation(weight_fake=3.0, of=['logits']))
    assert "weight_real=10.0, weight_fake=3.0, of=('logits',)" in shown
