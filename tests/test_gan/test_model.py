from copy import deepcopy

import pytest
import torch
from tiny_gan import (
    CLASSES,
    SIZE,
    PlainBackbone,
    PlainGenerator,
    batch,
    biggan,
    changed,
    latents,
    optimizers,
    plain_gan,
    state,
)

from reacgan_plugin.backbones import CodedGenerator
from reacgan_plugin.conditioning import AC, PD, D2DCELoss, Info
from reacgan_plugin.data.preprocess import ImagePreprocessor
from reacgan_plugin.gan.adversarial import Hinge
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.gan.technique import Technique


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

    def images(self, shown, gan):
        return shown._replace(fake=shown.fake + 0.1 * torch.randn_like(shown.fake))


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
            r"model\.amp='bf61'.*None, 'bf16', 'fp16' \(did you mean 'bf16'\?\)",
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


def test_sampling_with_bad_labels_leaves_the_mode():
    model = biggan()
    with pytest.raises(ValueError, match='class 3'):
        model(latents()[0], torch.full((4,), 3))
    assert model.generator.training


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


CODES = dict(discrete=1, categories=2, continuous=1)
CODED = dict(type='CodedGenerator', **CODES)


def with_generator(generator, loss=None):
    parts = dict(adversarial_loss=Hinge(), data_preprocessor=ImagePreprocessor())
    loss = loss or PD()
    return ConditionalGAN(
        generator, PlainBackbone(), loss, num_classes=CLASSES, **parts
    )


def test_a_generator_inside_another_is_built_and_gets_the_models_classes():
    inner = dict(type='BigGANGenerator', base_channels=4, z_dim=8, shared_dim=2)
    model = with_generator(dict(**CODED, generator=inner), Info(PD(), **CODES))
    assert type(model.generator) is CodedGenerator
    assert model.generator.generator.num_classes == CLASSES
    assert model.generator.z_dim == 8 + 3
    assert 'num_classes' not in inner
    terms = model.train_step(batch(size=32), optimizers(model))
    assert terms['g/loss_info_discrete'].isfinite()
    assert model(torch.randn(2, 11), torch.tensor([0, 2])).shape == (2, 3, 32, 32)


def test_a_generator_that_is_built_already_may_stand_inside_a_config():
    inner = PlainGenerator()
    model = with_generator(dict(**CODED, generator=inner))
    assert model.generator.generator is inner


@pytest.mark.parametrize(
    'inner, message',
    [
        (dict(type='BigGANGenerater'), r"mean 'BigGANGenerator'\?"),
        (dict(type='BigGANGenerator', num_classes=4), 'num_classes=4, but .*=3'),
    ],
)
def test_a_wrong_generator_inside_another_raises(inner, message):
    with pytest.raises(ValueError, match=message):
        with_generator(dict(**CODED, generator=inner))
