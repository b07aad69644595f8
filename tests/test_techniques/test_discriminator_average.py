from contextlib import nullcontext
from copy import deepcopy

import pytest
import torch
from tiny_gan import (
    batch,
    biggan,
    changed,
    optimizers,
    plain_gan,
    state,
)

from reacgan_plugin.conditioning import D2DCELoss
from reacgan_plugin.gan.optimizers import GANOptimWrapperConstructor
from reacgan_plugin.techniques import discriminator_average
from reacgan_plugin.techniques.discriminator_average import DiscriminatorAverage


def averaged(make=plain_gan, *, seed=0, average=None, **options):
    """A model in training mode with an average of its discriminator."""
    torch.manual_seed(seed)
    settings = {'start': 0, **(average or {'decay': 0.9})}
    technique = DiscriminatorAverage(**settings)
    return make(techniques=[technique], **options).train()


def train(model, iterations=1, rows=8):
    wrappers = optimizers(model)
    for _ in range(iterations):
        model.train_step(batch(rows), wrappers)
    return model


def average_of(model):
    return model.techniques[0].average


def test_it_starts_as_the_discriminator_and_moves_by_the_formula():
    model = averaged()
    expected = state(model.discriminator)
    assert changed(expected, average_of(model)) == set()
    for iteration in range(4):
        train(model)
        for name, value in state(model.discriminator).items():
            expected[name] = 0.9 * expected[name] + 0.1 * value
            found = average_of(model).state_dict()[name]
            torch.testing.assert_close(found, expected[name], msg=str(iteration))
    assert 'backbone.conv.weight' in changed(expected, model.discriminator)


def test_it_is_a_copy_until_its_start():
    model = averaged(average=dict(decay=0.9, start=2))
    train(model, 2)
    assert changed(state(model.discriminator), average_of(model)) == set()
    train(model)
    assert changed(state(model.discriminator), average_of(model))


@pytest.mark.parametrize(
    'options, rows, images',
    [
        (dict(), 8, 8),
        (dict(accumulation=4), 8, 8),
        (dict(accumulation=2, accumulation_mode='exact'), 8, 8),
        (dict(d_updates=2, accumulation=2), 8, 4),
        (dict(accumulation_mode='exact'), 8, 8),
    ],
)
@pytest.mark.parametrize('processes', [1, 3])
def test_a_half_life_is_of_the_images_of_all_processes(
    options, rows, images, processes, monkeypatch
):
    monkeypatch.setattr(discriminator_average, 'world_size', lambda: processes)
    model = averaged(average=dict(half_life=0.064), **options)
    before = state(average_of(model))
    train(model, rows=rows)
    decay = 0.5 ** (images * processes / 64)
    for name, value in state(model.discriminator).items():
        expected = decay * before[name] + (1 - decay) * value
        torch.testing.assert_close(average_of(model).state_dict()[name], expected)


def test_a_half_life_moves_as_that_of_the_generator_does():
    model = averaged(
        average=dict(half_life=0.1, ramp_up=0.5),
        ema=dict(half_life=0.1, ramp_up=0.5),
        d_updates=2,
    )
    decays = []
    for _ in range(3):
        generator_before = state(model.generator_ema)
        before = state(average_of(model))
        train(model)
        decays.append(
            (
                share(generator_before, model.generator_ema, model.generator),
                share(before, average_of(model), model.discriminator),
            )
        )
    for ours, theirs in decays:
        assert ours == pytest.approx(theirs, abs=1e-3)
    assert decays[0][0] == pytest.approx(1)


def share(before, average, module):
    """Of the way from the old average to the network, how much was gone."""
    gone, way = 0.0, 0.0
    for name, value in module.state_dict().items():
        if isinstance(value, torch.Tensor):
            gone += (average.state_dict()[name] - before[name]).abs().sum().item()
            way += (value - before[name]).abs().sum().item()
    return gone / way


def test_training_is_the_same_with_it_and_without():
    model = averaged(biggan)
    plain = biggan().train()
    plain.load_state_dict(
        {k: v for k, v in model.state_dict().items() if 'techniques' not in k}
    )
    for one in (model, plain):
        wrappers = optimizers(one)
        for _ in range(2):
            one.train_step(batch(size=32), wrappers)
    for name in ('generator', 'discriminator'):
        assert changed(state(getattr(plain, name)), getattr(model, name)) == set()


def test_it_is_frozen_evaluates_and_is_nobodys_to_optimize():
    model = averaged(biggan)
    average = average_of(model)
    assert not any(m.training for m in average.modules())
    assert not any(p.requires_grad for p in average.parameters())
    own = {id(p) for p in average.parameters()}
    assert own.isdisjoint(id(p) for p in model.discriminator.parameters())
    adam = dict(optimizer=dict(type='Adam', lr=0.01))
    wrappers = GANOptimWrapperConstructor(dict(generator=adam, discriminator=adam))
    for wrapper in wrappers(model).values():
        for group in wrapper.optimizer.param_groups:
            assert own.isdisjoint(id(p) for p in group['params'])


def test_it_is_judged_with_as_the_discriminator_is_and_left_as_it_was():
    model = averaged(biggan, average=dict(decay=0.5))
    before = state(average_of(model))
    data = batch(size=32)
    output = average_of(model)(data['image'], data['label'])
    model.discriminator.eval()
    expected = model.discriminator(data['image'], data['label'])
    assert torch.equal(output.class_logits, expected.class_logits)
    assert not output.logits.requires_grad
    assert changed(before, average_of(model)) == set()


def test_it_has_the_memory_format_of_the_discriminator():
    model = averaged(biggan)
    formats = [
        [p.stride() for p in network.parameters()]
        for network in (model.discriminator, average_of(model))
    ]
    assert formats[0] == formats[1]


@pytest.mark.parametrize(
    'average', [dict(decay=0.9), dict(half_life=0.05, ramp_up=0.5)]
)
def test_a_resumed_model_goes_on_to_the_bit(average):
    straight = train(averaged(average=average), 4)
    first = train(averaged(average=average), 2)
    second = averaged(seed=7, average=average)
    second.load_state_dict(deepcopy(first.state_dict()))
    train(second, 2)
    found, expected = state(second), state(straight)
    assert any(name.startswith('techniques.0.average.') for name in expected)
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


def test_a_step_asks_the_device_for_no_value(monkeypatch):
    # the meta device has no autocast, not even to be switched off, and no values
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: nullcontext())
    model = averaged(loss=D2DCELoss(embed_dim=4), average=dict(half_life=1.0))
    model.to('meta').data_preprocessor.to('meta')
    outputs = model.train_step(batch(), optimizers(model))
    assert {value.device.type for value in outputs.values()} == {'meta'}


@pytest.mark.parametrize(
    'settings, message',
    [
        (dict(decay=0), r'DiscriminatorAverage\.decay=0 is out of range'),
        (dict(decay=1.5), r'DiscriminatorAverage\.decay=1\.5'),
        (dict(half_life=-1), r'DiscriminatorAverage\.half_life=-1'),
        (dict(decay=0.9, half_life=1), 'DiscriminatorAverage has decay and half_life'),
        (dict(ramp_up=0.5), r'ramp_up shortens half_life'),
    ],
)
def test_settings_that_are_not_allowed_raise(settings, message):
    with pytest.raises(ValueError, match=message):
        DiscriminatorAverage(**settings)


def test_without_settings_the_decay_is_that_of_the_generators_average():
    assert DiscriminatorAverage().settings.decay == 0.9999
