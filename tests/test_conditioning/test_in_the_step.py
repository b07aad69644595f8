"""Every conditioning beside every adversarial loss, in a training step."""

import pytest
import torch
from tiny_gan import batch, gradients, optimizers, plain_gan
from tiny_methods import METHODS

from reacgan_plugin.conditioning import MH, PD
from reacgan_plugin.gan import adversarial
from reacgan_plugin.gan.technique import Technique

LOSSES = [
    'Vanilla',
    'Logistic',
    'Hinge',
    'LeastSquares',
    'Wasserstein',
    'Relativistic',
]


def model_of(name, loss, **options):
    conditioning = METHODS[name](spectral_norm=False)
    beside = getattr(adversarial, loss)()
    return plain_gan(conditioning, adversarial_loss=beside, **options)


@pytest.mark.parametrize('loss', LOSSES)
@pytest.mark.parametrize('name', METHODS)
def test_every_pair_trains_both_networks_or_says_what_does_not_fit(name, loss):
    if 'MH' in name and loss != 'Hinge':
        with pytest.raises(ValueError, match=f'stands in for the hinge .*found {loss}'):
            model_of(name, loss)
        return
    model = model_of(name, loss)
    terms = model.train_step(batch(), optimizers(model, lr=0))
    assert all(term.isfinite() for term in terms.values())
    for network in (model.generator, model.discriminator):
        for parameter, gradient in gradients(network).items():
            assert gradient.isfinite().all(), parameter
    for parameter, gradient in gradients(model.generator).items():
        assert torch.count_nonzero(gradient), parameter


@pytest.mark.parametrize('name', METHODS)
def test_micro_batches_and_several_updates_of_the_discriminator_train(name):
    model = model_of(name, 'Hinge', d_updates=2, accumulation=2)
    terms = model.train_step(batch(8), optimizers(model))
    assert all(term.isfinite() for term in terms.values())


def record_passes(model):
    """(image, label, fake) of every pass of the discriminator, in order."""
    passes = []

    def note(network, arguments, keywords):
        passes.append((*arguments, keywords.get('fake', False)))

    model.discriminator.register_forward_pre_hook(note, with_kwargs=True)
    return passes


def kinds(passes):
    return ''.join('f' if fake else 'r' for _, _, fake in passes)


@pytest.mark.parametrize(
    'name, loss, expected',
    [
        ('AC', 'Hinge', 'rf f'),
        ('AC', 'Relativistic', 'rf fr'),
        ('MH', 'Hinge', 'rf fr'),
        ('Info(MH)', 'Hinge', 'rf fr'),
        ('TAC(AC)', 'Relativistic', 'rf fr'),
        ('ADC(AC)', 'Hinge', 'rf rf'),  # two views of a generated image
        ('Info(ADC(D2DCE))', 'Relativistic', 'rf rfr'),
    ],
)
def test_a_step_has_the_passes_of_the_discriminator_that_its_terms_need(
    name, loss, expected
):
    model = model_of(name, loss)
    passes = record_passes(model)
    model.train_step(batch(), optimizers(model))
    assert kinds(passes) == expected.replace(' ', '')


def test_multi_hinge_without_feature_matching_needs_no_further_pass():
    model = plain_gan(MH(feature_weight=0, spectral_norm=False))
    passes = record_passes(model)
    model.train_step(batch(), optimizers(model))
    assert model.needs_real is False
    assert kinds(passes) == 'rff'


@pytest.mark.parametrize('name, loss', [('PD', 'Relativistic'), ('MH', 'Hinge')])
def test_the_generators_update_sees_the_reals_of_the_last_update(name, loss):
    model = model_of(name, loss, d_updates=2)
    passes = record_passes(model)
    data = batch(8)
    model.train_step(data, optimizers(model))
    image, label, fake = passes[-1]
    assert fake is False
    assert torch.equal(image, data['image'][4:])
    assert torch.equal(label, data['label'][4:])


def test_a_relativistic_loss_has_fakes_drawn_of_the_classes_of_the_reals():
    model = model_of('PD', 'Relativistic', d_updates=2)
    labels = []
    model.generator.register_forward_pre_hook(
        lambda _, inputs: labels.append(inputs[1])
    )
    passes = record_passes(model)
    data = batch(8)
    model.train_step(data, optimizers(model))
    first, second = data['label'].chunk(2)
    for found, expected in zip(labels, (first, second, second), strict=True):
        assert torch.equal(found, expected)
    assert not torch.equal(first, second)
    of_pairs = [label for _, label, _ in passes]
    for found, expected in zip(
        of_pairs, (first, first, second, second, second, second), strict=True
    ):
        assert torch.equal(found, expected)


@pytest.mark.parametrize('loss', [loss for loss in LOSSES if loss != 'Relativistic'])
def test_other_losses_have_fakes_of_classes_that_are_drawn(loss):
    model = model_of('PD', loss)
    labels = []
    model.generator.register_forward_pre_hook(
        lambda _, inputs: labels.append(inputs[1])
    )
    _, drawn = model.draw_latents(4)
    model.train_step(batch(), optimizers(model))
    for found, expected in zip(labels, drawn, strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize(
    'name, loss, message',
    [
        ('PD', 'Relativistic', 'Relativistic or PD needs image and image_label'),
        ('MH', 'Hinge', 'MultiHinge or MH needs image and image_label'),
    ],
)
def test_an_update_of_the_generator_without_the_reals_it_needs_raises(
    name, loss, message
):
    model = model_of(name, loss)
    z, label = model.draw_latents(4)
    with pytest.raises(ValueError, match=message):
        model.update_generator(z[0], label[0], optimizers(model))


class Best(Technique):
    """Keeps the fakes of the first two rows."""

    def select(self, fake, gan):
        return fake._replace(logits=fake.logits[:2])


def test_pairs_whose_fakes_were_selected_raise():
    loss = adversarial.Relativistic()
    model = plain_gan(
        PD(spectral_norm=False), adversarial_loss=loss, techniques=[Best()]
    )
    with pytest.raises(ValueError, match=r'\(4,\) real and \(2,\) fake logits'):
        model.train_step(batch(), optimizers(model))
