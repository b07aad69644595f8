from copy import deepcopy

import pytest
import torch
from tiny_gan import (
    CLASSES,
    NETWORKS,
    SIZE,
    PlainBackbone,
    PlainGenerator,
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

from reacgan_plugin.conditioning import AC, PD, D2DCELoss
from reacgan_plugin.data.preprocess import ImagePreprocessor
from reacgan_plugin.functional import hinge_discriminator, hinge_generator
from reacgan_plugin.gan.adversarial import AdversarialLoss, Hinge
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.gan.technique import Technique


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


def head_without_spectral_norm(kind):
    if kind == 'AC':
        return AC(spectral_norm=False)
    return D2DCELoss(embed_dim=5, spectral_norm=False)


@pytest.mark.parametrize('kind', ['AC', 'D2DCE'])
def test_accumulation_averages_the_gradients_of_micro_batches(kind):
    model = plain_gan(head_without_spectral_norm(kind), accumulation=2)
    data, (z, fake_label) = batch(6), latents(6)
    rows = (data['image'], data['label'], z, fake_label)
    half = deepcopy(model)
    half.accumulation = 1
    expected = []
    for part in zip(*(r.chunk(2) for r in rows), strict=True):
        half.update_discriminator(*part, optimizers(half, lr=0))
        expected.append(gradients(half.discriminator))
    terms = model.update_discriminator(*rows, optimizers(model, lr=0))
    for name, gradient in gradients(model.discriminator).items():
        mean = (expected[0][name] + expected[1][name]) / 2
        assert torch.allclose(gradient, mean, atol=1e-6), name
    assert terms['loss'].item() == pytest.approx(
        (terms['loss_adversarial'] + terms['loss_conditioning']).item()
    )


@pytest.mark.parametrize('update', NETWORKS)
def test_accumulation_of_losses_of_single_samples_is_one_large_batch(update):
    at_once = plain_gan()
    data, (z, fake_label) = batch(6), latents(6)
    rows = (z, fake_label)
    if update == 'discriminator':
        rows = (data['image'], data['label'], z, fake_label)
    results = []
    for accumulation in (1, 3):
        model = deepcopy(at_once)
        model.accumulation = accumulation
        terms = getattr(model, f'update_{update}')(*rows, optimizers(model, lr=0))
        results.append({**gradients(getattr(model, update)), **terms})
    for name, value in results[0].items():
        assert torch.allclose(value, results[1][name], atol=1e-5), name


class Watch(Technique):
    """Which parameters of the discriminator want a gradient during each update."""

    def __init__(self):
        super().__init__()
        self.seen = {}

    def discriminator_terms(self, gan, real_image, fake_image, real, fake):
        return self.note('discriminator', gan)

    def generator_terms(self, gan, z, fake_image, fake):
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


def trained(iterations, make=plain_gan, **options):
    """A model built under one seed, trained from other states of the generator."""
    torch.manual_seed(1)
    model = make(**options)
    wrappers = optimizers(model)
    size = 32 if make is biggan else SIZE
    for iteration in range(iterations):
        torch.rand(iteration)  # what was drawn outside does not matter
        model.train_step(batch(size=size, seed=iteration), wrappers)
    return model, wrappers


class Noise(Technique):
    """Draws on the step's own randomness."""

    def images(self, real, fake):
        return real, fake + 0.1 * torch.randn_like(fake)


def test_the_iteration_advances_and_is_in_the_state_dict():
    model, _ = trained(3)
    assert model.iteration == 3
    other = plain_gan()
    other.load_state_dict(model.state_dict())
    assert other.iteration == 3
    for drawn, expected in zip(
        other.draw_latents(4), model.draw_latents(4), strict=True
    ):
        assert torch.equal(drawn, expected)


def test_a_restored_model_goes_on_to_the_bit():
    options = dict(techniques=[Noise()], ema=dict(decay=0.9))
    model, wrappers = trained(2, **options)
    torch.manual_seed(5)
    other = plain_gan(**options)
    other.load_state_dict(model.state_dict())
    for each, its in ((model, wrappers), (other, optimizers(other))):
        torch.rand(7)
        each.train_step(batch(seed=2), its)
    assert changed(state(model), other) == set()


def test_models_of_one_seed_train_alike_to_the_bit():
    options = dict(make=biggan, ema=dict(decay=0.9))
    first, _ = trained(2, techniques=[Noise()], **options)
    second, _ = trained(2, techniques=[Noise()], **options)
    assert changed(state(first), second) == set()


def test_another_seed_trains_otherwise():
    assert changed(state(trained(1, seed=0)[0]), trained(1, seed=1)[0])


def test_the_average_copies_until_its_start_and_decays_from_then_on():
    model = plain_gan(ema=dict(decay=0.75, start=2))
    wrappers = optimizers(model)
    expected = state(model.generator)
    for iteration in range(4):
        model.train_step(batch(seed=iteration), wrappers)
        decay = 0.75 if iteration >= 2 else 0.0
        for name, value in state(model.generator).items():
            expected[name] = decay * expected[name] + (1 - decay) * value
            average = model.generator_ema.state_dict()[name]
            assert torch.allclose(average, expected[name], atol=1e-6), name
    assert changed(state(model.generator_ema), model.generator)


def test_the_average_never_trains():
    model = biggan(ema=dict(decay=0.9)).train()
    assert model.generator.training
    assert not any(m.training for m in model.generator_ema.modules())
    assert not any(p.requires_grad for p in model.generator_ema.parameters())


def test_without_an_average_there_is_none_in_the_state_dict():
    model = plain_gan()
    assert model.generator_ema is None
    prefixes = {name.split('.')[0] for name in model.state_dict()}
    assert prefixes == {'generator', 'discriminator', '_extra_state'}


def with_half_precision(amp):
    torch.manual_seed(1)
    model = biggan(D2DCELoss(embed_dim=8), amp=amp)
    types = set()
    for conv in (
        model.generator.blocks[0].conv1,
        model.discriminator.backbone.blocks[0].conv1,
    ):
        conv.register_forward_hook(lambda *call: types.add(call[2].dtype))
    return model.train_step(batch(size=32), optimizers(model)), types


def test_bf16_runs_the_networks_in_half_and_the_losses_in_full_precision():
    terms, types = with_half_precision('bf16')
    expected, full_types = with_half_precision(None)
    assert types == {torch.bfloat16}
    assert full_types == {torch.float32}
    assert terms.keys() == expected.keys()
    for name, value in terms.items():
        assert value.dtype == torch.float32, name
        assert value.item() == pytest.approx(expected[name].item(), rel=0.05, abs=0.05)


def test_parameters_and_gradients_stay_in_full_precision_under_bf16():
    model = biggan(amp='bf16')
    model.train_step(batch(size=32), optimizers(model))
    for name, parameter in model.named_parameters():
        assert parameter.dtype == parameter.grad.dtype == torch.float32, name
        assert parameter.isfinite().all(), name


@pytest.mark.parametrize(
    'options, message',
    [
        (
            dict(amp='bf61'),
            r"model\.amp='bf61'.*None, 'bf16' \(did you mean 'bf16'\?\)",
        ),
        (dict(amp=True), r'model\.amp=True is not known'),
        (dict(ema=dict(decai=0.9)), r"model\.ema.*'decai'.*did you mean 'decay'\?"),
    ],
)
def test_wrong_options_raise_and_name_what_is_allowed(options, message):
    with pytest.raises(ValueError, match=message):
        plain_gan(**options)


def without_loss(discriminator):
    parts = dict(adversarial_loss=Hinge(), data_preprocessor=ImagePreprocessor())
    return ConditionalGAN(
        PlainGenerator(), discriminator, None, num_classes=CLASSES, **parts
    )


def test_a_missing_loss_raises_and_says_what_to_write():
    message = r"model\.loss is missing.*type='D2DCE'.*type='Unconditional'"
    with pytest.raises(ValueError, match=message):
        without_loss(PlainBackbone())


@pytest.mark.xfail(strict=True, reason='None is taken for a loss beside a whole one')
def test_a_missing_loss_beside_a_whole_discriminator_raises_too():
    whole = Discriminator(PlainBackbone(), AC().build_head(6, CLASSES))
    with pytest.raises(ValueError, match=r'model\.loss is missing'):
        without_loss(whole)


def test_a_whole_discriminator_keeps_its_own_head():
    head = PD().build_head(6, CLASSES)
    whole = Discriminator(PlainBackbone(), head)
    parts = dict(adversarial_loss=Hinge(), data_preprocessor=ImagePreprocessor())
    model = ConditionalGAN(PlainGenerator(), whole, PD(), num_classes=CLASSES, **parts)
    assert model.discriminator is whole
    assert model.discriminator.head is head
    assert set(model.train_step(batch(), optimizers(model))) == {
        'd/loss',
        'd/loss_adversarial',
        'd/logit_real',
        'd/logit_fake',
        'g/loss',
        'g/loss_adversarial',
    }


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


@pytest.mark.parametrize('ema', [None, dict(decay=0.5)])
def test_samples_are_those_of_the_averaged_generator_in_evaluation_mode(ema):
    model = biggan(ema=ema)
    model.train_step(batch(size=32), optimizers(model, lr=0.5))
    z, label = latents()
    network = model.generator if ema is None else model.generator_ema
    expected = deepcopy(network).eval()(z, label)
    before = state(model)
    image = model(z, label)
    assert torch.equal(image, expected)
    assert not image.requires_grad
    assert changed(before, model) == set()
    assert all(m.training for m in model.generator.modules())
    if ema is not None:
        assert not torch.equal(image, deepcopy(model.generator).eval()(z, label))
        assert not any(m.training for m in network.modules())


def test_sampling_leaves_an_evaluating_model_evaluating():
    model = plain_gan().eval()
    model(*latents())
    assert not any(m.training for m in model.modules())


@pytest.mark.xfail(strict=True, reason='the mode is not restored after an exception')
def test_sampling_with_bad_labels_leaves_the_mode():
    model = biggan()
    with pytest.raises(ValueError, match='class 3'):
        model(latents()[0], torch.full((4,), 3))
    assert model.generator.training


def test_bytes_are_widened_on_the_way_in(monkeypatch):
    model = plain_gan()
    calls = record_updates(model, monkeypatch)
    data = batch()
    data['image'] = torch.randint(256, (4, 3, SIZE, SIZE), dtype=torch.uint8)
    model.train_step(data, optimizers(model))
    image = calls[0][1][0]
    assert torch.allclose(image, data['image'] / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize('channels_last', [True, False])
def test_weights_of_convolutions_are_in_the_memory_format_asked_for(channels_last):
    model = biggan(spectral_norm=False, channels_last=channels_last)
    for network in (model.generator, model.discriminator):
        for name, weight in network.named_parameters():
            if weight.ndim == 4 and weight.shape[1] > 1 and weight.shape[2] > 1:
                last = weight.is_contiguous(memory_format=torch.channels_last)
                assert last is channels_last, name


def test_iterations_do_not_depend_on_the_memory_format():
    model = biggan(channels_last=False)
    last = deepcopy(model)
    for network in (last.generator, last.discriminator):
        network.to(memory_format=torch.channels_last)
    data = batch(size=32)
    terms = model.train_step(data, optimizers(model))
    of_last = last.train_step(data, optimizers(last))
    for name, value in terms.items():
        assert torch.allclose(of_last[name], value, atol=1e-4), name
