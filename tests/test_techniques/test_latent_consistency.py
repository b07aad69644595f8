from contextlib import nullcontext

import pytest
import torch
from judging import judged_by_discriminator, judged_for_generator
from test_gan.test_exact_accumulation import same, updated
from test_gan.test_waiting import step_without_values
from tiny_gan import (
    NETWORKS,
    PlainGenerator,
    batch,
    biggan,
    changed,
    latents,
    optimizers,
    plain_gan,
    state,
)
from tiny_methods import METHODS

from reacgan_plugin.backbones import StyleGAN2Generator
from reacgan_plugin.conditioning import AC, PD
from reacgan_plugin.gan.technique import Technique
from reacgan_plugin.techniques.balanced_consistency import (
    BalancedConsistencyRegularisation,
)
from reacgan_plugin.techniques.latent_consistency import (
    LatentConsistencyRegularisation,
)


class Fixed(LatentConsistencyRegularisation):
    """e is the same for every sample, so that its draw is no matter."""

    def near(self, z):
        return z + self.noise * torch.linspace(-1, 1, z.shape[1]).to(z)


def regularised(technique=None, loss=None, **options):
    return plain_gan(loss or PD(), techniques=[technique or Fixed()], **options)


def of_discriminator(model, size=8):
    judged = judged_by_discriminator(model, batch(size=size), *latents())
    terms = model.techniques[-1].discriminator_penalties(judged, model)
    return terms['loss_latent_consistency']


def of_generator(model):
    judged = judged_for_generator(model, *latents())
    terms = model.techniques[-1].generator_penalties(judged, model)
    return terms['loss_latent_consistency']


def pair_of_fakes(model, technique):
    z, label = latents()
    return [model.generator(x, label) for x in (z, technique.near(z))]


def test_the_discriminator_pays_for_what_it_says_of_fakes_of_near_z():
    technique = Fixed(weight_discriminator=3.0, noise=0.2)
    model = regularised(technique).eval()
    fakes = [fake.detach() for fake in pair_of_fakes(model, technique)]
    first, second = (model.discriminator(fake, latents()[1]).logits for fake in fakes)
    expected = 3 * ((first - second) ** 2).sum() / 4
    found = of_discriminator(model)
    assert torch.isclose(found, expected)
    weight = model.discriminator.backbone.conv.weight
    ours = torch.autograd.grad(found, weight)[0]
    theirs = torch.autograd.grad(expected, weight)[0]
    assert torch.allclose(ours, theirs, atol=1e-7)


def test_the_generator_is_paid_for_making_different_fakes_of_near_z():
    technique = Fixed(weight_generator=2.0, noise=0.2)
    model = regularised(technique)
    first, second = pair_of_fakes(model, technique)
    expected = -2 * ((first - second) ** 2).sum() / first.numel()
    found = of_generator(model)
    assert torch.isclose(found, expected)
    assert found < 0
    weight = model.generator.map.weight
    ours = torch.autograd.grad(found, weight)[0]
    theirs = torch.autograd.grad(expected, weight)[0]
    assert torch.allclose(ours, theirs, atol=1e-7)


def test_z_moves_by_normal_noise_of_each_sample_and_entry():
    technique = LatentConsistencyRegularisation(noise=0.3)
    z = torch.randn(2000, 4)
    moves = technique.near(z) - z
    assert torch.allclose(moves.std(0), torch.full((4,), 0.3), rtol=0.1)
    assert moves.mean().abs() < 0.02
    assert not torch.equal(moves[0], moves[1])


def test_each_penalty_reaches_its_own_network_and_nothing_else():
    model = regularised()
    of_discriminator(model).backward()
    assert model.discriminator.backbone.conv.weight.grad.abs().max() > 0
    assert all(p.grad is None for p in model.generator.parameters())
    model.zero_grad()
    of_generator(model).backward()
    assert model.generator.map.weight.grad.abs().max() > 0
    assert all(p.grad is None for p in model.discriminator.parameters())


def test_singular_vectors_and_statistics_stay():
    model = biggan(techniques=[LatentConsistencyRegularisation()]).train()
    judged = judged_by_discriminator(model, batch(size=32), *latents())
    generated = judged_for_generator(model, *latents())
    before = state(model)
    (technique,) = model.techniques
    assert technique.discriminator_penalties(judged, model)
    assert technique.generator_penalties(generated, model)
    assert changed(before, model) == set()


def settled_biggan(**options):
    torch.manual_seed(3)
    return biggan(PD(), **options, techniques=[Fixed(noise=0.1)]).eval()


@pytest.mark.parametrize('penalty', [lambda m: of_discriminator(m, 32), of_generator])
def test_half_precision_of_the_step_does_not_reach_the_penalty(penalty):
    plain, half = settled_biggan(), settled_biggan(amp='bf16')
    assert torch.isclose(penalty(half), penalty(plain), rtol=0.01)


class Dim(Technique):
    """Shows the discriminator fakes of half the brightness."""

    def images(self, shown, gan):
        return shown._replace(fake=shown.fake / 2)


def test_fakes_are_compared_before_any_augmentation():
    plain = regularised(Fixed(noise=0.2)).eval()
    augmented = plain_gan(PD(), techniques=[Dim(), Fixed(noise=0.2)]).eval()
    augmented.load_state_dict(plain.state_dict())
    assert torch.isclose(of_discriminator(augmented), of_discriminator(plain))


def test_both_fakes_get_the_same_noise_of_the_generator():
    technique = Fixed(noise=1e-6)
    generator = StyleGAN2Generator(
        size=8, num_classes=3, z_dim=4, w_dim=8, channel_base=64, style_mixing=0.9
    ).train()
    for name, parameter in generator.named_parameters():
        if 'noise_strength' in name:
            parameter.data.fill_(1.0)
    model = plain_gan(PD(), generator, techniques=[technique])
    z, label = latents()
    apart = (generator(z, label) - generator(z, label)).square().mean()
    assert apart > 1e-3
    assert of_generator(model).abs() < 1e-6 * apart


@pytest.mark.parametrize('options', [dict(accumulation=2), dict(d_updates=2)])
def test_a_step_logs_both_penalties_and_pays_for_them(options):
    model = regularised(LatentConsistencyRegularisation(), **options)
    terms = model.train_step(batch(), optimizers(model))
    for update, sign in (('d', 1), ('g', -1)):
        term = terms[f'{update}/loss_latent_consistency']
        assert sign * term > 0
        total = terms[f'{update}/loss_adversarial'] + term
        assert torch.isclose(terms[f'{update}/loss'], total)


@pytest.mark.parametrize('name', METHODS)
def test_every_conditioning_trains_with_both_halves_of_icr(name):
    pair = [BalancedConsistencyRegularisation(), LatentConsistencyRegularisation()]
    model = plain_gan(METHODS[name](spectral_norm=False), techniques=pair)
    terms = model.train_step(batch(), optimizers(model))
    assert all(term.isfinite() for term in terms.values())
    assert terms['d/loss_latent_consistency'] > 0 > terms['g/loss_latent_consistency']


@pytest.mark.parametrize('update', NETWORKS)
def test_exact_accumulation_is_the_whole_batch(update):
    model = regularised(loss=AC())
    at_once, _ = updated(model, update, parts=1)
    found, _ = updated(model, update)
    same(found, at_once)
    assert 'loss_latent_consistency' in found


def test_a_single_sample_is_enough():
    model = regularised(LatentConsistencyRegularisation())
    terms = model.train_step(batch(1), optimizers(model))
    assert all(term.isfinite() for term in terms.values())


def test_a_step_asks_the_device_for_no_value(monkeypatch):
    # the meta device has no autocast, not even to be switched off
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: nullcontext())
    outputs = step_without_values(regularised(LatentConsistencyRegularisation()))
    assert {'d/loss_latent_consistency', 'g/loss_latent_consistency'} <= outputs.keys()


@pytest.mark.parametrize('name', ['weight_discriminator', 'weight_generator', 'noise'])
def test_settings_out_of_range_raise(name):
    with pytest.raises(ValueError, match=f'{name}=0 is out of range; allowed: above 0'):
        LatentConsistencyRegularisation(**{name: 0})


def test_an_unknown_output_raises():
    with pytest.raises(ValueError, match="of='features' is not known"):
        LatentConsistencyRegularisation(of=['features'])


def test_its_settings_are_shown():
    shown = repr(LatentConsistencyRegularisation(noise=0.05, of=['logits']))
    assert shown == (
        'LatentConsistencyRegularisation(weight_discriminator=5.0, '
        "weight_generator=0.5, noise=0.05, of=('logits',))"
    )


class Noisy(PlainGenerator):
    """Draws noise of its own, as StyleGAN2 does."""

    def forward(self, z, label):
        image = super().forward(z, label)
        return image + torch.randn_like(image)


def test_the_discriminator_is_not_asked_to_ignore_the_generators_own_noise():
    technique = LatentConsistencyRegularisation(noise=1e-6)
    model = plain_gan(generator=Noisy(), techniques=[technique]).train()
    judged = judged_by_discriminator(model, batch(), *latents())
    terms = technique.discriminator_penalties(judged, model)
    assert terms['loss_latent_consistency'] < 1e-9
