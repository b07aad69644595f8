import pytest
import torch
from tiny_gan import CLASSES, batch, optimizers, plain_gan

from reacgan_plugin.conditioning import MH, DiscriminatorOutput
from reacgan_plugin.gan import adversarial
from reacgan_plugin.gan.technique import Judged
from reacgan_plugin.techniques import adaptive
from reacgan_plugin.techniques.ada import ADA
from reacgan_plugin.techniques.apa import APA

BOTH = pytest.mark.parametrize('make', [ADA, APA])


def confident(model):
    """All images seem real, whatever they are."""
    head = model.discriminator.head.adversarial
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.ones_(head.bias)
    return model


def trained(technique, iterations, rows=4, **options):
    """Terms of some iterations of a model whose discriminator is always confident."""
    model = confident(plain_gan(techniques=[technique], **options))
    wrappers = optimizers(model, lr=0)
    return [model.train_step(batch(rows), wrappers) for _ in range(iterations)]


@BOTH
def test_strength_rises_while_reals_seem_real_and_is_logged(make):
    technique = make(interval=2, kimg=0.1)
    name = technique.name
    outputs = trained(technique, 5)
    step = 2 * 4 / 100
    strengths = [float(terms[f'{name}/strength']) for terms in outputs]
    assert strengths == pytest.approx([0, step, step, 2 * step, 2 * step])
    assert [terms[f'{name}/sign'] for terms in outputs] == [1] * 5
    assert technique.strength == outputs[-1][f'{name}/strength']


@BOTH
@pytest.mark.parametrize(
    'options, images',
    [
        (dict(d_updates=2), 8),
        (dict(accumulation=4), 8),
        (dict(accumulation=4, accumulation_mode='exact'), 8),
        (dict(d_updates=2, accumulation=2), 8),
    ],
)
def test_every_real_image_of_an_iteration_counts_once(make, options, images):
    technique = make(interval=1, kimg=0.1)
    trained(technique, 1, rows=images, **options)
    assert technique.strength == pytest.approx(images / 100)


@BOTH
def test_what_is_logged_stays_as_it_was(make):
    technique = make(interval=1, kimg=0.1)
    first, second = trained(technique, 2)
    name = f'{technique.name}/strength'
    assert first[name] != second[name]


@BOTH
def test_a_model_resumes_with_its_strength_and_statistics(make):
    def half_way():
        technique = make(interval=4, kimg=1, strength=0.37)
        return confident(plain_gan(techniques=[technique]))

    whole, torn, resumed = half_way(), half_way(), half_way()
    for model in (whole, torn):
        model.load_state_dict(resumed.state_dict())
        for _ in range(2):
            model.train_step(batch(), optimizers(model, lr=0))
    resumed.techniques[0].strength.zero_()
    resumed.load_state_dict(torn.state_dict())
    assert resumed.techniques[0].strength == pytest.approx(0.37)
    for model in (whole, resumed):
        for _ in range(2):
            model.train_step(batch(), optimizers(model, lr=0))
    assert resumed.techniques[0].strength == pytest.approx(0.37 + 16 / 1000)
    assert resumed.techniques[0].strength == whole.techniques[0].strength


@BOTH
def test_multi_hinge_reads_the_own_class_against_fake(make):
    technique = make(interval=1)
    logits = torch.tensor([[3.0, 0, 0, 1], [0, 2, 5, 3], [0, 0, 2, 1]])
    real = DiscriminatorOutput(logits, torch.zeros(3, 2), torch.arange(CLASSES))
    assert technique.discriminator_terms(Judged(real, real), None) == {}
    outputs = {}
    technique.after_update(outputs, plain_gan(MH(spectral_norm=False)))
    assert outputs[f'{technique.name}/sign'] == pytest.approx(1 / 3)


@BOTH
@pytest.mark.parametrize('loss', ['Wasserstein', 'LeastSquares', 'Relativistic'])
def test_losses_under_which_the_sign_means_nothing_need_a_fixed_strength(make, loss):
    loss = getattr(adversarial, loss)()
    message = f'{make.__name__} reads the sign.*{type(loss).__name__}.*target=None'
    with pytest.raises(ValueError, match=message):
        plain_gan(techniques=[make()], adversarial_loss=loss)
    fixed = make(target=None, strength=0.5, interval=1)
    model = plain_gan(techniques=[fixed], adversarial_loss=loss)
    terms = model.train_step(batch(), optimizers(model))
    assert all(term.isfinite() for term in terms.values())
    assert fixed.strength == 0.5


@pytest.fixture
def warnings(monkeypatch):
    found = []
    monkeypatch.setattr(
        adaptive, 'print_log', lambda message, **options: found.append(message)
    )
    return found


def after(technique, iteration):
    model = plain_gan(techniques=[technique])
    model.iteration = iteration
    technique.after_update({}, model)


@BOTH
def test_a_high_strength_is_warned_of_once(make, warnings):
    technique = make(strength=0.83)
    for iteration in (0, 498, 499, 500, 999):
        after(technique, iteration)
        assert len(warnings) == (iteration >= 499)
    (warning,) = warnings
    assert f'{technique.name}/strength is 0.83: above 0.8' in warning


@BOTH
@pytest.mark.parametrize(
    'options', [dict(strength=0.79), dict(strength=1, target=None)]
)
def test_what_is_not_above_that_or_was_asked_for_is_not_warned_of(
    make, options, warnings
):
    after(make(**options), 499)
    assert warnings == []


@BOTH
@pytest.mark.parametrize(
    'options',
    [dict(target=2), dict(interval=0), dict(kimg=-1), dict(strength=2)],
)
def test_settings_out_of_range_raise(make, options):
    (name,) = options
    with pytest.raises(ValueError, match=f'{name}=.* is out of range'):
        make(**options)


@BOTH
def test_settings_are_shown(make):
    shown = repr(make(target=0.7, interval=8, kimg=100))
    assert 'target=0.7, interval=8, kimg=100' in shown
