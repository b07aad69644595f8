from copy import deepcopy

import pytest
import torch
from tiny_gan import (
    CLASSES,
    NETWORKS,
    SIZE,
    PlainBackbone,
    batch,
    biggan,
    changed,
    gradients,
    latents,
    optimizers,
    plain_gan,
    state,
)
from torch import nn
from torch.nn import functional as F

from reacgan_plugin.conditioning import AC
from reacgan_plugin.functional import hinge_discriminator, hinge_generator
from reacgan_plugin.gan.adversarial import AdversarialLoss
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.gan.technique import Technique
from reacgan_plugin.layers import spectral_normalised


def conditioning_term(output):
    return 0.5 * F.cross_entropy(output.class_logits, output.label)


def descend(loss, network, lr):
    parameters = list(network.parameters())
    with torch.no_grad():
        for p, grad in zip(
            parameters, torch.autograd.grad(loss, parameters), strict=True
        ):
            p -= lr * grad


def written_out(model, data, lr):
    """One iteration of a plain model as a loop without classes; the same terms."""
    G, D, terms = model.generator, model.discriminator, {}
    z, fake_label = model.draw_latents(len(data['image']))
    real = D(data['image'], data['label'])
    fake = D(G(z[0], fake_label[0]).detach(), fake_label[0])
    terms['d/loss_adversarial'] = hinge_discriminator(real.logits, fake.logits)
    terms['d/loss_conditioning'] = conditioning_term(real)
    terms['d/loss'] = terms['d/loss_adversarial'] + terms['d/loss_conditioning']
    terms['d/logit_real'] = real.logits.mean()
    terms['d/logit_fake'] = fake.logits.mean()
    descend(terms['d/loss'], D, lr)
    fake = D(G(z[1], fake_label[1]), fake_label[1])
    terms['g/loss_adversarial'] = hinge_generator(fake.logits)
    terms['g/loss_conditioning'] = conditioning_term(fake)
    terms['g/loss'] = terms['g/loss_adversarial'] + terms['g/loss_conditioning']
    descend(terms['g/loss'], G, lr)
    return terms


def test_iterations_equal_the_written_out_loop():
    model = plain_gan(channels_last=False)
    by_hand = deepcopy(model)
    wrappers = optimizers(model)
    for iteration in range(3):
        data = batch(seed=iteration)
        by_hand.iteration = iteration
        expected = written_out(by_hand, data, lr=0.1)
        terms = model.train_step(data, wrappers)
        assert terms.keys() == expected.keys()
        for name, value in expected.items():
            assert torch.allclose(terms[name], value, atol=1e-5), name
            assert not terms[name].requires_grad, name
    for name, value in state(by_hand).items():
        assert torch.allclose(model.state_dict()[name], value, atol=1e-5), name


def record_updates(model, monkeypatch):
    """Names and arguments of the model's updates, in order."""
    calls = []
    for name in NETWORKS:
        update = getattr(model, f'update_{name}')

        def recorded(*args, update=update, name=name):
            calls.append((name, args))
            return update(*args)

        monkeypatch.setattr(model, f'update_{name}', recorded)
    return calls


def test_every_discriminator_update_takes_its_own_rows_and_latents(monkeypatch):
    model = plain_gan(d_updates=2)
    calls = record_updates(model, monkeypatch)
    data = batch(8)
    z, fake_label = model.draw_latents(4)
    model.train_step(data, optimizers(model))
    assert [name for name, _ in calls] == [
        'discriminator',
        'discriminator',
        'generator',
    ]
    for update in range(2):
        image, label, own_z, own_label, _ = calls[update][1]
        rows = slice(4 * update, 4 * update + 4)
        assert torch.equal(image, data['image'][rows])
        assert torch.equal(label, data['label'][rows])
        assert torch.equal(own_z, z[update])
        assert torch.equal(own_label, fake_label[update])
    generators_z, generators_label, *_ = calls[2][1]
    assert torch.equal(generators_z, z[2])
    assert torch.equal(generators_label, fake_label[2])


class Watch(Technique):
    """Which parameters of the discriminator want a gradient during each update."""

    def __init__(self):
        super().__init__()
        self.seen = {}

    def discriminator_terms(self, judged, gan):
        return self.note('discriminator', gan)

    def generator_terms(self, judged, gan):
        return self.note('generator', gan)

    def note(self, update, gan):
        wanted = {p.requires_grad for p in gan.discriminator.parameters()}
        self.seen[update] = wanted
        return {}


def test_the_discriminator_is_frozen_while_the_generator_is_updated():
    watch = Watch()
    model = plain_gan(techniques=[watch])
    model.train_step(batch(), optimizers(model))
    assert watch.seen == {'discriminator': {True}, 'generator': {False}}
    assert all(p.requires_grad for p in model.discriminator.parameters())


def test_an_update_moves_only_its_own_network():
    model = plain_gan()
    wrappers = optimizers(model)
    data, (z, fake_label) = batch(), latents()
    before = state(model)
    model.update_discriminator(data['image'], data['label'], z, fake_label, wrappers)
    assert {name.split('.')[0] for name in changed(before, model)} == {'discriminator'}
    assert all(p.grad is None for p in model.generator.parameters())
    before, of_discriminator = state(model), gradients(model.discriminator)
    model.update_generator(z, fake_label, wrappers)
    assert {name.split('.')[0] for name in changed(before, model)} == {'generator'}
    for name, gradient in gradients(model.discriminator).items():
        assert torch.equal(gradient, of_discriminator[name]), name


def test_heads_are_told_which_images_are_fake():
    model = plain_gan(adversarial_loss=Paired(needs_real=True))
    told = []

    def note(head, arguments, keywords):
        told.append((keywords['fake'], arguments[1]))

    model.discriminator.head.register_forward_pre_hook(note, with_kwargs=True)
    data, (z, fake_label) = batch(), latents()
    rows = (data['image'], data['label'])
    model.update_discriminator(*rows, z, fake_label, optimizers(model))
    model.update_generator(z, fake_label, optimizers(model), *rows)
    for fake, label in told:
        assert torch.equal(label, fake_label if fake else data['label'])
    assert [fake for fake, _ in told] == [False, True, True, False]


class ReadsTwice(PlainBackbone):
    """Uses its one weight in two places."""

    def __init__(self):
        super().__init__()
        spectral_normalised(self.conv)

    def forward(self, image):
        return super().forward(image) - super().forward(-image)


def test_a_pass_of_the_discriminator_takes_one_iteration_of_a_shared_weight():
    backbone = ReadsTwice()
    twin = deepcopy(backbone)
    discriminator = Discriminator(backbone, AC().build_head(6, CLASSES))
    data = batch()
    discriminator(data['image'], data['label'])
    twin.conv.weight  # noqa: B018
    (vectors,), (expected,) = (n.conv.parametrizations.weight for n in (backbone, twin))
    assert torch.equal(vectors._u, expected._u)


class Paired(AdversarialLoss):
    """Keeps the real output that the generator's side is handed."""

    def __init__(self, needs_real):
        super().__init__()
        self.needs_real = needs_real
        self.handed = []

    def discriminator(self, real, fake):
        return (fake.logits - real.logits).mean()

    def generator(self, fake, real=None):
        self.handed.append(real)
        return (fake.logits if real is None else real.logits - fake.logits).mean()


def test_a_loss_that_needs_reals_gets_their_output_in_the_generators_update():
    loss = Paired(needs_real=True)
    model = plain_gan(adversarial_loss=loss, accumulation=2, d_updates=2)
    data = batch(8)
    model.train_step(data, optimizers(model))
    images, labels = data['image'][4:].chunk(2), data['label'][4:].chunk(2)
    assert len(loss.handed) == 2
    for real, image, label in zip(loss.handed, images, labels, strict=True):
        assert torch.equal(real.label, label)
        assert torch.allclose(real.logits, model.discriminator(image, label).logits)


def test_a_loss_that_needs_no_reals_gets_none():
    loss = Paired(needs_real=False)
    model = plain_gan(adversarial_loss=loss)
    model.train_step(batch(), optimizers(model))
    assert loss.handed == [None]


def statistics(network):
    return {
        f'{name}.{key}'
        for name, module in network.named_modules()
        if isinstance(module, nn.BatchNorm2d)
        for key in module.state_dict()
        if key in ('running_mean', 'running_var', 'num_batches_tracked')
    }


def test_batch_statistics_of_a_network_move_in_its_own_updates_alone():
    # batch norms in both networks, singular vectors in none
    model = biggan(AC(spectral_norm=False), spectral_norm=False)
    wrappers = optimizers(model, lr=0)
    data, (z, fake_label) = batch(size=32), latents()
    before = state(model)
    model.update_discriminator(data['image'], data['label'], z, fake_label, wrappers)
    moved = {f'discriminator.{name}' for name in statistics(model.discriminator)}
    assert moved
    assert changed(before, model) == moved
    before = state(model)
    model.update_generator(z, fake_label, wrappers)
    moved = {f'generator.{name}' for name in statistics(model.generator)}
    assert moved
    assert changed(before, model) == moved


def test_networks_normalise_by_the_batch_in_updates_of_the_other_too():
    model = biggan(spectral_norm=False)
    data, (z, fake_label) = batch(size=32), latents()
    means = []

    def note(norm, inputs, output):
        means.append(output.mean((0, 2, 3)).abs().max().item())

    model.generator.norm.register_forward_hook(note)
    rows = (data['image'], data['label'], z, fake_label)
    model.update_discriminator(*rows, optimizers(model))
    assert means == [pytest.approx(0, abs=1e-5)]


def step_by(optim_wrapper, model):
    data, (z, fake_label) = batch(), latents()
    rows = (data['image'], data['label'], z, fake_label)
    model.update_discriminator(*rows, optim_wrapper('discriminator'))
    model.update_generator(z, fake_label, optim_wrapper('generator'))
    return state(model)


def test_one_wrapper_alone_serves_like_the_mapping_of_two():
    model = plain_gan()
    twin, third = deepcopy(model), deepcopy(model)
    of_model, of_twin, of_third = map(optimizers, (model, twin, third))
    expected = step_by(lambda name: of_model, model)
    alone = step_by(lambda name: of_twin[name], twin)
    plain_dict = step_by(lambda name: dict(of_third.items()), third)
    for name, value in expected.items():
        assert torch.equal(alone[name], value), name
        assert torch.equal(plain_dict[name], value), name


def test_bytes_are_widened_on_the_way_in(monkeypatch):
    model = plain_gan()
    calls = record_updates(model, monkeypatch)
    data = batch()
    data['image'] = torch.randint(256, (4, 3, SIZE, SIZE), dtype=torch.uint8)
    model.train_step(data, optimizers(model))
    assert torch.allclose(calls[0][1][0], data['image'] / 127.5 - 1, atol=1e-6)
