import math
from contextlib import nullcontext
from copy import deepcopy
from fractions import Fraction
from types import SimpleNamespace

import pytest
import torch
from tiny_gan import (
    batch,
    gradients,
    latents,
    optimizers,
    plain_gan,
    state,
)
from tiny_methods import FEATURES, LABEL, METHODS, built, generated

from reacgan_plugin.conditioning import (
    AC,
    MH,
    PD,
    TAC,
    ConditionalContrastiveLoss,
    D2DCELoss,
)
from reacgan_plugin.gan.adversarial import Relativistic, Vanilla
from reacgan_plugin.gan.trees import tensors_of
from reacgan_plugin.techniques.top_k import TopK


def halving(**options):
    """Keeps all fakes in iteration 0, half of them in 1, a quarter in 2."""
    return TopK(**{**dict(gamma=0.5, nu=0.01, interval=1), **options})


def at(iteration):
    """A model as far as the technique looks at it."""
    return SimpleNamespace(iteration=iteration)


@pytest.mark.parametrize('rows', [1, 7, 64, 100])
@pytest.mark.parametrize('iteration', [0, 9, 10, 11, 200, 690, 700, 100_000])
@pytest.mark.parametrize('gamma, nu', [('0.99', '0.5'), ('0.9', '0.55'), ('1', '0.1')])
def test_k_shrinks_by_gamma_an_interval_down_to_nu(rows, iteration, gamma, nu):
    technique = TopK(gamma=float(gamma), nu=float(nu), interval=10)
    power = math.prod([Fraction(gamma)] * min(iteration // 10, 200))
    expected = math.ceil(max(power, Fraction(nu)) * rows)
    assert technique.kept(rows, iteration) == expected


def own_minus_fake(output):
    """Realness, one sample after the other."""
    if output.logits.ndim == 1:
        return output.logits.tolist()
    return [
        (row[label] - row[-1]).item()
        for row, label in zip(output.logits, output.label, strict=True)
    ]


def best_of(output, count):
    """Rows of the most real samples, in the order of the batch."""
    numbers = own_minus_fake(output)
    return sorted(sorted(range(len(numbers)), key=numbers.__getitem__)[-count:])


@pytest.mark.parametrize('name', METHODS)
def test_every_tensor_keeps_the_rows_of_the_most_real_fakes(name):
    loss, head = built(name)
    output = generated(loss, head, torch.randn(len(LABEL), FEATURES))
    kept = halving().select(output, at(1))
    best = best_of(output, 2)
    pairs = list(zip(tensors_of(kept), tensors_of(output), strict=True))
    assert len(pairs) >= 4
    for found, whole in pairs:
        assert torch.equal(found, whole[best])


def test_a_batch_of_one_stays():
    _, head = built('AC')
    output = head(torch.randn(1, FEATURES), LABEL[:1], fake=True)
    assert len(halving().select(output, at(50)).logits) == 1


GANS = {
    'D2DCE': lambda **o: plain_gan(D2DCELoss(embed_dim=4), **o),
    '2C': lambda **o: plain_gan(ConditionalContrastiveLoss(embed_dim=4), **o),
    'TAC': lambda **o: plain_gan(TAC(AC()), **o),
    'MH': lambda **o: plain_gan(MH(), **o),
    'PD': lambda **o: plain_gan(PD(), **o),
}


def of_generator(model, rows=12):
    z, label = latents(rows)
    data = batch(rows)
    real = [data['image'].double(), data['label']] if model.needs_real else []
    return model.double().eval().generator_terms(z.double(), label, *real)


@pytest.mark.parametrize('name', GANS)
def test_the_generators_terms_are_those_of_the_best_fakes_alone(name):
    plain = GANS[name]()
    model = GANS[name](techniques=[halving()])
    model.load_state_dict(plain.state_dict())
    model.iteration = 2
    terms = of_generator(model)
    seen = deepcopy(plain).double().eval()
    z, label = latents(12)
    output = seen.discriminator(seen.generator(z.double(), label), label, fake=True)
    best = best_of(output, 3)
    rows = [z.double()[best], label[best]]
    if plain.needs_real:
        rows += [batch(12)['image'].double(), batch(12)['label']]
    expected = seen.generator_terms(*rows)
    assert terms.keys() == expected.keys()
    for term, value in expected.items():
        torch.testing.assert_close(terms[term], value)


def test_the_discriminator_sees_all_fakes():
    plain, model = GANS['2C'](), GANS['2C'](techniques=[halving()])
    model.load_state_dict(plain.state_dict())
    model.iteration = 2
    rows = (*batch().values(), *latents())
    terms, expected = (one.eval().discriminator_terms(*rows) for one in (model, plain))
    for name, value in expected.items():
        assert torch.equal(terms[name], value)


def updated(model, *, parts=1, mode='exact'):
    """Gradients and terms of a generator update of 12 fakes."""
    model = deepcopy(model).double()
    model.accumulation, model.accumulation_mode = parts, mode
    (z, label), data = latents(12), batch(12)
    real = data['image'].double(), data['label']
    terms = model.update_generator(z.double(), label, optimizers(model, lr=0), *real)
    return {**gradients(model.generator), **terms}


@pytest.mark.parametrize('name', GANS)
def test_with_exact_accumulation_k_is_of_the_whole_batch(name):
    model = GANS[name](techniques=[halving()])
    model.iteration = 1
    found, expected = updated(model, parts=4), updated(model)
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value)
    plain = updated(model, parts=4, mode='plain')
    assert not torch.allclose(plain['loss_adversarial'], found['loss_adversarial'])


def test_with_plain_accumulation_k_is_of_a_micro_batch():
    technique = halving()
    model = plain_gan(techniques=[technique])
    model.iteration, sizes = 1, []
    terms = model.loss.terms
    model.loss.terms = lambda fake: sizes.append(len(fake.label)) or terms(fake)
    updated(model, parts=3, mode='plain')
    assert sizes == [2, 2, 2]


def test_a_resumed_model_goes_on_with_the_same_k():
    def trained(model, count):
        wrappers = optimizers(model)
        for _ in range(count):
            model.train_step(batch(8), wrappers)
        return model

    first = trained(plain_gan(techniques=[halving()]).train(), 2)
    second = plain_gan(techniques=[halving()]).train()
    second.load_state_dict(deepcopy(first.state_dict()))
    for model in (first, second):
        trained(model, 1)
        assert model.iteration == 3
    for name, value in state(first).items():
        assert torch.equal(value, state(second)[name])


@pytest.mark.parametrize('loss', [AC, MH, lambda: D2DCELoss(embed_dim=4)])
def test_a_step_asks_the_device_for_no_value(loss, monkeypatch):
    # the meta device has no autocast, not even to be switched off, and no values
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: nullcontext())
    model = plain_gan(loss(), techniques=[halving()]).train().to('meta')
    model.data_preprocessor.to('meta')
    model.iteration = 1
    outputs = model.train_step(batch(), optimizers(model))
    assert {value.device.type for value in outputs.values()} == {'meta'}


def test_pairs_of_fakes_and_reals_are_refused():
    message = 'Relativistic pairs each of them with a real sample.*such as Hinge'
    with pytest.raises(ValueError, match=message):
        plain_gan(adversarial_loss=Relativistic(), techniques=[halving()])
    plain_gan(adversarial_loss=Vanilla(), techniques=[halving()])


@pytest.mark.parametrize(
    'options',
    [
        dict(gamma=0),
        dict(gamma=1.01),
        dict(nu=0),
        dict(nu=1.01),
        dict(interval=0),
    ],
)
def test_settings_out_of_range_raise(options):
    (name,) = options
    with pytest.raises(ValueError, match=f'{name}=.* is out of range'):
        TopK(**{'interval': 1, **options})
