from contextlib import nullcontext

import pytest
import torch
from judging import judged_by_discriminator, judged_for_generator
from test_gan.test_waiting import step_without_values
from tiny_gan import CLASSES, Z_DIM, batch, biggan, latents, optimizers, plain_gan
from tiny_methods import METHODS
from torch import nn

from reacgan_plugin.backbones import StyleGAN2Generator
from reacgan_plugin.conditioning import AC, D2DCELoss
from reacgan_plugin.layers import frozen
from reacgan_plugin.techniques.orthogonal import Orthogonal

EXACT = dict(accumulation=2, accumulation_mode='exact')


def penalties_of(model):
    """What the technique adds to the generator's and the discriminator's objective."""
    (technique,) = model.techniques
    of_generator = judged_for_generator(model, *latents())
    size = getattr(model.generator, 'size', 8)
    of_discriminator = judged_by_discriminator(model, batch(size=size), *latents())
    return (
        technique.generator_penalties(of_generator, model),
        technique.discriminator_penalties(of_discriminator, model),
    )


def by_pairs(weight):
    """Squared products of different filters, (filters, ...)."""
    filters, total = weight.detach().double().flatten(1), 0
    for i in range(len(filters)):
        products = filters @ filters[i]
        total += products.square().sum() - products[i] ** 2
    return float(total)


@pytest.mark.parametrize('network', ['generator', 'discriminator'])
def test_the_named_network_pays_for_filters_that_are_not_orthogonal(
    network,
):
    technique = Orthogonal(weight=3.0, interval=2, network=network)
    model = plain_gan(techniques=[technique])
    of_generator, of_discriminator = penalties_of(model)
    if network == 'generator':
        weights = [model.generator.map.weight]  # and not its table of classes
        terms, none = of_generator, of_discriminator
    else:
        head = model.discriminator.head
        weights = [model.discriminator.backbone.conv.weight, head.adversarial.weight]
        weights.append(head.classifier.weight)
        terms, none = of_discriminator, of_generator
    assert none == {}
    expected = 6 * sum(map(by_pairs, weights))
    assert terms['loss_orthogonal'].item() == pytest.approx(expected)


@pytest.mark.parametrize('network', ['generator', 'discriminator'])
def test_weights_under_spectral_norm_are_those_before_it(network):
    # orthogonal at first, of norm one; scaled and sheared they are not
    model = biggan(D2DCELoss(embed_dim=4), techniques=[Orthogonal(network=network)])
    weights = [
        (name, p)
        for name, p in getattr(model, network).named_parameters()
        if p.ndim > 1 and 'proxies' not in name and 'class_embedding' not in name
    ]
    assert sum(name.endswith('weight.original') for name, _ in weights) > 10
    with torch.no_grad():
        for _, p in weights:
            p.mul_(3).add_(0.1)
    terms = penalties_of(model)[network == 'discriminator']
    expected = 1e-4 * sum(by_pairs(p) for _, p in weights)
    assert terms['loss_orthogonal'].item() == pytest.approx(expected, rel=1e-5)


def test_old_spectral_norm_is_looked_through_too():
    model = plain_gan(techniques=[Orthogonal(weight=1.0)])
    expected = by_pairs(model.generator.map.weight)
    nn.utils.spectral_norm(model.generator.map)
    nn.utils.spectral_norm(model.generator.classes)
    terms, _ = penalties_of(model)
    assert terms['loss_orthogonal'].item() == pytest.approx(expected)


def test_of_a_style_based_generator_weights_count_as_they_are_used():
    generator = StyleGAN2Generator(
        size=8, num_classes=CLASSES, z_dim=Z_DIM, w_dim=8, channel_base=64
    )
    model = plain_gan(generator=generator, techniques=[Orthogonal(weight=1.0)])
    expected = 0
    for name, p in generator.named_parameters():
        if name.endswith('weight') and 'embed' not in name:
            layer = generator.get_submodule(name.removesuffix('.weight'))
            expected += by_pairs(p * getattr(layer, 'weight_gain', 1))
    terms, _ = penalties_of(model)
    terms['loss_orthogonal'].backward()
    assert terms['loss_orthogonal'].item() == pytest.approx(expected, rel=1e-5)
    assert generator.synthesis.blocks['4'].const.grad is None
    assert generator.mapping.embed.weight.grad is None


def test_the_gradient_is_twice_what_biggan_pytorch_adds():
    model = plain_gan(techniques=[Orthogonal(weight=0.5)])
    terms, _ = penalties_of(model)
    terms['loss_orthogonal'].backward()
    weight = model.generator.map.weight
    off_diagonal = (weight @ weight.T).fill_diagonal_(0)
    added = 0.5 * 2 * off_diagonal @ weight
    assert torch.allclose(weight.grad, 2 * added, rtol=1e-4, atol=1e-6)
    assert model.generator.classes.weight.grad is None


def test_frozen_weights_do_not_count():
    technique = Orthogonal(network='discriminator', weight=1.0)
    model = plain_gan(techniques=[technique])
    head = model.discriminator.head
    expected = sum(map(by_pairs, [head.adversarial.weight, head.classifier.weight]))
    with frozen(model.discriminator.backbone):
        _, terms = penalties_of(model)
    assert terms['loss_orthogonal'].item() == pytest.approx(expected)


@pytest.mark.parametrize('options', [{}, dict(accumulation=2), EXACT])
@pytest.mark.parametrize('network', ['generator', 'discriminator'])
def test_a_step_logs_the_penalty_and_pays_for_it(network, options):
    model = plain_gan(techniques=[Orthogonal(interval=2, network=network)], **options)
    wrappers = optimizers(model, lr=0.01)
    outputs = [model.train_step(batch(), wrappers) for _ in range(3)]
    key = f'{network[0]}/loss_orthogonal'
    assert [key in terms for terms in outputs] == [True, False, True]
    assert sum('loss_orthogonal' in name for name in outputs[0]) == 1
    parts = ('loss_adversarial', 'loss_conditioning', 'loss_orthogonal')
    total = sum(outputs[0][f'{network[0]}/{part}'] for part in parts)
    assert torch.isclose(outputs[0][f'{network[0]}/loss'], total)


def test_micro_batches_pay_no_more_than_one_batch():
    models = [
        plain_gan(techniques=[Orthogonal(weight=1e4)], **options)
        for options in ({}, dict(accumulation=2), EXACT)
    ]
    found = []
    for model in models:  # whose other gradients are a millionth of this one's
        model.load_state_dict(models[0].state_dict())
        terms = model.train_step(batch(), optimizers(model, lr=0.0))
        found.append((terms['g/loss_orthogonal'], model.generator.map.weight.grad))
    (value, gradient), *others = found
    for other, its_gradient in others:
        assert torch.allclose(other, value)
        assert torch.allclose(its_gradient, gradient, rtol=1e-4, atol=1.0)


@pytest.mark.parametrize('network', ['generator', 'discriminator'])
@pytest.mark.parametrize('name', METHODS)
def test_it_goes_with_every_conditioning(name, network):
    model = plain_gan(METHODS[name](), techniques=[Orthogonal(network=network)])
    terms = penalties_of(model)[network == 'discriminator']
    terms['loss_orthogonal'].backward()
    for p in getattr(model, network).parameters():
        assert p.grad is None or p.grad.isfinite().all()


def test_products_are_in_float32_whatever_autocast_says():
    model = plain_gan(techniques=[Orthogonal()])
    expected = penalties_of(model)[0]['loss_orthogonal']
    with torch.autocast('cpu', torch.bfloat16):
        (technique,) = model.techniques
        terms = technique.generator_penalties(None, model)
    assert torch.equal(terms['loss_orthogonal'], expected)


@pytest.mark.parametrize('network', ['generator', 'discriminator'])
def test_a_step_asks_the_device_for_no_value(monkeypatch, network):
    # the meta device has no autocast, not even to be switched off
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: nullcontext())
    model = plain_gan(techniques=[Orthogonal(network=network)])
    assert f'{network[0]}/loss_orthogonal' in step_without_values(model)


class Table(nn.Module):
    """A generator whose images are looked up by class."""

    z_dim = Z_DIM

    def __init__(self):
        super().__init__()
        self.images = nn.Embedding(CLASSES, 3 * 8 * 8)

    def forward(self, z, label):
        return self.images(label).unflatten(1, (3, 8, 8)) + 0 * z.sum()


def test_a_network_without_weights_raises_and_is_named():
    with pytest.raises(ValueError, match=r'no weight.*model\.generator'):
        plain_gan(generator=Table(), techniques=[Orthogonal()])
    technique = Orthogonal(network='discriminator')
    plain_gan(AC(), generator=Table(), techniques=[technique])


@pytest.mark.parametrize('options', [dict(weight=0), dict(interval=0)])
def test_settings_out_of_range_raise(options):
    (name,) = options
    with pytest.raises(ValueError, match=f'{name}=0 is out of range; allowed: above 0'):
        Orthogonal(**options)


def test_an_unknown_network_raises_and_names_the_known_ones():
    with pytest.raises(ValueError, match="network='generater'.*did you mean 'generat"):
        Orthogonal(network='generater')


def test_its_settings_are_shown():
    expected = "Orthogonal(weight=0.0001, interval=1, network='generator')"
    assert repr(Orthogonal()) == expected
