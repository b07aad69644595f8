from contextlib import nullcontext
from copy import deepcopy

import pytest
import torch
from judging import judged_by_discriminator, judged_for_generator
from test_gan.test_exact_accumulation import same
from test_gan.test_waiting import step_without_values
from tiny_gan import batch, biggan, changed, latents, optimizers, plain_gan, state
from tiny_methods import METHODS

from reacgan_plugin.backbones import StyleGAN2Generator
from reacgan_plugin.conditioning import MH, PD
from reacgan_plugin.layers import frozen
from reacgan_plugin.techniques.latent_optimisation import LatentOptimisation


def optimising(loss=None, generator=None, **options):
    """A model, and its technique with steps that can be seen."""
    technique = LatentOptimisation(**dict(dict(rate=2.0, damping=0.1), **options))
    model = plain_gan(
        loss or PD(spectral_norm=False), generator, techniques=[technique]
    )
    return model.train(), technique


def realness(model, z, label):
    return model.discriminator(model.generator(z, label), label, fake=True).realness


def by_differences(model, z, label, step=1e-5):
    """d D(G(z)) / d z of a batch, one entry after another."""
    gradient = torch.zeros_like(z)
    for entry in range(z.shape[1]):
        shift = torch.zeros_like(z)
        shift[:, entry] = step
        up, down = (realness(model, z + s * shift, label) for s in (1, -1))
        gradient[:, entry] = (up - down) / (2 * step)
    return gradient


@torch.no_grad()
@pytest.mark.parametrize('steps', [1, 3])
@pytest.mark.parametrize('loss', [PD, MH])
def test_z_goes_the_way_of_the_equation(loss, steps):
    model, technique = optimising(loss(), fraction=1.0, steps=steps)
    model = model.double().eval()
    z, label = latents()
    z = expected = z.double()
    cost = 0
    for _ in range(steps):
        gradient = by_differences(model, expected, label)
        step = 2 * gradient / (0.1 + gradient.square().sum(1, keepdim=True))
        expected, cost = expected + step, cost + step.square().sum(1).mean()
    found = technique.latent(z, label, model)
    assert torch.allclose(found, expected, rtol=1e-5)
    assert torch.allclose(technique.cost, cost, rtol=1e-5)


def test_fakes_of_the_new_z_are_taken_for_real_sooner():
    model, technique = optimising(fraction=1.0, rate=0.1)
    z, label = latents(64)
    before = realness(model, z, label)
    after = realness(model, technique.latent(z, label, model), label)
    assert (after > before).all()


def test_fakes_on_the_way_are_judged_as_fakes():
    model, technique = optimising(steps=2)
    kinds = []
    model.discriminator.register_forward_pre_hook(
        lambda network, given, keywords: kinds.append(keywords), with_kwargs=True
    )
    technique.latent(*latents(), model)
    assert kinds == [dict(fake=True)] * 2


def test_only_a_fraction_of_the_entries_moves():
    model, technique = optimising(fraction=0.3)
    z, label = latents(500)
    moved = technique.latent(z, label, model) != z
    assert 0.25 < moved.float().mean() < 0.35
    assert len(moved.unique(dim=0)) > 10  # others of every sample
    everywhere, all_of = optimising(fraction=1.0)
    assert (all_of.latent(z, label, everywhere) != z).all()


def test_z_can_be_kept_in_a_box():
    model, technique = optimising(rate=50.0, fraction=1.0, clip=1.0)
    z, label = latents(32)
    z = z.clamp(-1, 1)
    found = technique.latent(z, label, model)
    assert found.abs().max() == 1
    model, technique = optimising(rate=50.0, fraction=1.0)
    assert technique.latent(z, label, model).abs().max() > 1


def in_generator_update(model, point, *arguments):
    with frozen(model.discriminator):
        return point(*arguments, model)


def test_the_generators_gradient_goes_through_the_step():
    model, technique = optimising(fraction=1.0)
    z, label = latents()
    reference = deepcopy(model)
    start = z.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(
        realness(reference, start, label).sum(), start, create_graph=True
    )
    step = 2 * gradient / (0.1 + gradient.square().sum(1, keepdim=True))
    (-realness(reference, z + step, label).mean()).backward()
    found = in_generator_update(model, technique.latent, z, label)
    (-realness(model, found, label).mean()).backward()
    theirs, ours = reference.generator.map.weight.grad, model.generator.map.weight.grad
    assert torch.allclose(ours, theirs, atol=1e-6)
    model.zero_grad()
    (-realness(model, found.detach(), label).mean()).backward()
    assert not torch.allclose(model.generator.map.weight.grad, theirs, rtol=0.1)


def test_the_discriminators_update_gets_z_without_a_graph():
    model, technique = optimising()
    judged = judged_by_discriminator(model, batch(), *latents())
    assert not judged.fake.z.requires_grad
    assert not torch.equal(judged.fake.z, latents()[0])


def test_what_the_way_costs_is_a_matter_of_the_network_that_is_updated():
    model, technique = optimising(weight=7.0)
    judged = judged_by_discriminator(model, batch(), *latents())
    cost = technique.cost.detach()
    terms = technique.discriminator_penalties(judged, model)
    assert torch.equal(terms['loss_transport'], 7 * cost)
    terms['loss_transport'].backward()
    assert model.discriminator.backbone.conv.weight.grad.abs().max() > 0
    assert all(p.grad is None for p in model.generator.parameters())
    model.zero_grad()
    judged = in_generator_update(
        model, lambda *rows: judged_for_generator(rows[-1], *rows[:-1]), *latents()
    )
    technique.generator_penalties(judged, model)['loss_transport'].backward()
    assert model.generator.map.weight.grad.abs().max() > 0
    assert all(p.grad is None for p in model.discriminator.parameters())


def test_the_cost_is_the_mean_squared_length_of_the_step():
    model, technique = optimising(fraction=0.5)
    z, label = latents()
    step = technique.latent(z, label, model) - z
    assert torch.isclose(technique.cost, step.square().sum(1).mean())


@pytest.mark.parametrize('options', [dict(accumulation=2), dict(d_updates=2)])
def test_a_step_logs_the_cost_and_pays_for_it(options):
    technique = LatentOptimisation()
    model = plain_gan(PD(), techniques=[technique], **options)
    terms = model.train_step(batch(), optimizers(model))
    for update in 'dg':
        cost = terms[f'{update}/loss_transport']
        assert cost > 0
        total = terms[f'{update}/loss_adversarial'] + cost
        assert torch.isclose(terms[f'{update}/loss'], total)


def test_nothing_is_left_behind_that_a_copy_could_not_take():
    model, technique = optimising()
    model.train_step(batch(), optimizers(model))
    assert technique.cost is None
    assert deepcopy(model).techniques[0].weight == 300
    assert technique.state_dict() == {}


def test_singular_vectors_and_statistics_stay():
    model = biggan(techniques=[LatentOptimisation()]).train()
    before = state(model)
    model.techniques[0].latent(*latents(), model)
    assert changed(before, model) == set()


def test_half_precision_of_the_step_does_not_reach_z():
    model = biggan(amp='bf16', techniques=[LatentOptimisation(fraction=1.0)]).train()
    (technique,), found = model.techniques, []
    for half in (False, True):
        with torch.autocast('cpu', torch.bfloat16, enabled=half):
            z = technique.latent(*latents(), model)
        found.append((z, technique.cost))
    for plain, other in zip(*found, strict=True):
        assert other.dtype == torch.float32
        assert torch.equal(plain, other)
    terms = model.train_step(batch(size=32), optimizers(model))
    assert all(term.isfinite() for term in terms.values())


@pytest.mark.slow
def test_compiled_networks_are_differentiated_twice_too():
    options = dict(techniques=[LatentOptimisation()])
    model = plain_gan(PD(), compile=dict(backend='aot_eager'), **options)
    plain = plain_gan(PD(), **options)
    plain.load_state_dict(model.state_dict())
    found, expected = (m.train_step(batch(), optimizers(m)) for m in (model, plain))
    same(found, expected, tolerance=1e-4)


@pytest.mark.parametrize('name', METHODS)
def test_every_conditioning_trains_with_it(name):
    loss = METHODS[name](spectral_norm=False)
    model = plain_gan(loss, techniques=[LatentOptimisation()])
    terms = model.train_step(batch(), optimizers(model))
    assert all(term.isfinite() for term in terms.values())
    for parameter in model.generator.parameters():
        assert parameter.grad.abs().max() > 0


def test_style_based_generators_train_with_it():
    generator = StyleGAN2Generator(
        size=8, num_classes=3, z_dim=4, w_dim=8, channel_base=64, style_mixing=0.9
    )
    model, _ = optimising(generator=generator)
    terms = model.train_step(batch(), optimizers(model))
    assert terms['g/loss_transport'] > 0
    assert all(term.isfinite() for term in terms.values())


def test_a_discriminator_that_says_nothing_leaves_z_where_it_is():
    model, technique = optimising()
    for parameter in model.discriminator.parameters():
        parameter.data.zero_()
    z, label = latents(1)
    found = in_generator_update(model, technique.latent, z, label)
    assert torch.equal(found, z)
    technique.cost.backward()
    gradients = [p.grad for p in model.generator.parameters()]
    assert all(g.isfinite().all() for g in gradients if g is not None)


def test_a_step_asks_the_device_for_no_value(monkeypatch):
    # the meta device has no autocast, not even to be switched off
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: nullcontext())
    model, _ = optimising(clip=1.0, steps=2)
    assert 'g/loss_transport' in step_without_values(model)


@pytest.mark.parametrize(
    'options',
    [
        dict(rate=0),
        dict(damping=0),
        dict(steps=0),
        dict(fraction=0),
        dict(fraction=1.5),
        dict(weight=0),
        dict(clip=0),
    ],
)
def test_settings_out_of_range_raise(options):
    (name,) = options
    with pytest.raises(ValueError, match=f'{name}=.* is out of range'):
        LatentOptimisation(**options)


def test_its_settings_are_shown():
    assert repr(LatentOptimisation()) == (
        'LatentOptimisation(rate=0.9, damping=5.0, steps=1, fraction=0.8, '
        'weight=300.0, clip=None)'
    )
