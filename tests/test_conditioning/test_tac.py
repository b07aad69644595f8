import pytest
import torch
from tiny_methods import (
    CLASSES,
    CLASSIFIERS,
    FEATURES,
    LABEL,
    PLAIN,
    built,
    judged,
    shapes,
    total,
)

from reacgan_plugin.conditioning import AC, PD, TAC, D2DCELoss

every_classifier = pytest.mark.parametrize('inner', CLASSIFIERS)


def cross_entropy(weight, features, label):
    """Of linear class logits, one sample after the other."""
    terms = []
    for feature, own in zip(features, label, strict=True):
        logits = torch.stack([feature @ row for row in weight])
        terms.append(logits.exp().sum().log() - logits[own])
    return sum(terms) / len(terms)


def outputs(head):
    """Of a real and a fake batch, in float64."""
    return (
        head(torch.randn(4, FEATURES).double(), LABEL),
        head(torch.randn(4, FEATURES).double(), LABEL.flip(0), fake=True),
    )


def test_terms_are_cross_entropies_of_the_classifier_and_of_its_twin():
    loss = TAC(
        AC(loss_weight=0.7, spectral_norm=False),
        discriminator_weight=0.3,
        generator_weight=0.2,
    )
    head = loss.build_head(FEATURES, CLASSES).double()
    first, twin = head.classifier.weight, head.twin.classifier.weight
    real, fake = outputs(head)
    of_reals = cross_entropy(first, real.features, real.label)
    of_fakes = cross_entropy(first, fake.features, fake.label)
    of_twin = cross_entropy(twin, fake.features, fake.label)
    terms = loss.discriminator(real, fake)
    assert terms.keys() == {'loss_conditioning', 'loss_twin'}
    assert torch.isclose(terms['loss_conditioning'], 0.7 * of_reals)
    assert torch.isclose(terms['loss_twin'], 0.3 * of_twin)
    terms = loss.generator(fake)
    assert terms.keys() == {'loss_conditioning', 'loss_twin'}
    assert torch.isclose(terms['loss_conditioning'], 0.7 * of_fakes)
    assert torch.isclose(terms['loss_twin'], -0.2 * of_twin)


def learning(head, term):
    """Names of the parameters that get a gradient of a term."""
    names, parameters = zip(*head.named_parameters(), strict=True)
    found = torch.autograd.grad(term, parameters, allow_unused=True)
    return {
        name
        for name, gradient in zip(names, found, strict=True)
        if gradient is not None and torch.count_nonzero(gradient)
    }


@every_classifier
def test_the_twin_learns_of_fakes_and_the_first_classifier_of_reals(inner):
    loss, head = built(f'TAC({inner})')
    classifying = {
        name
        for name, _ in head.named_parameters()
        if not name.startswith('adversarial')
    }
    of_twin = {name for name in classifying if name.startswith('twin.')}
    terms = loss.discriminator(judged(head), judged(head, fake=True))
    assert of_twin
    assert learning(head, terms['loss_twin']) == of_twin
    assert learning(head, terms['loss_conditioning']) == classifying - of_twin


@every_classifier
def test_features_of_fakes_learn_of_the_twin_and_those_of_reals_do_not(inner):
    loss, head = built(f'TAC({inner})')
    real, fake = torch.randn(2, 4, FEATURES).requires_grad_()
    term = loss.discriminator(judged(head, real), judged(head, fake, fake=True))
    gradients = torch.autograd.grad(term['loss_twin'], (real, fake), allow_unused=True)
    assert gradients[0] is None
    assert gradients[1].abs().amax(1).min() > 0


@every_classifier
def test_the_twins_part_of_the_generators_objective_is_negative(inner):
    loss, head = built(f'TAC({inner})')
    assert loss.generator(judged(head, fake=True))['loss_twin'] < 0


def of_the_reference(inner, **options):
    loss = TAC(PLAIN[inner](loss_weight=0.6), formula='studiogan', **options)
    return loss, loss.build_head(FEATURES, CLASSES)


@every_classifier
def test_the_twin_of_the_references_formula_gets_gradients_of_zero(inner):
    loss, head = of_the_reference(inner)
    total(loss.discriminator(judged(head), judged(head, fake=True))).backward()
    for name, parameter in head.twin.named_parameters():
        assert torch.count_nonzero(parameter.grad) == 0, name  # but not None


@every_classifier
def test_the_references_formula_takes_the_term_of_the_first_classifier(inner):
    loss, head = of_the_reference(inner, discriminator_weight=0.3)
    fake = judged(head, fake=True)
    expected = 0.3 * loss.method.unweighted(fake)
    assert torch.isclose(loss.discriminator(judged(head), fake)['loss_twin'], expected)


@every_classifier
def test_equal_weights_cancel_the_references_term_of_the_generator(inner):
    loss, head = of_the_reference(inner, generator_weight=0.6)
    features = torch.randn(4, FEATURES).requires_grad_()
    (gradient,) = torch.autograd.grad(
        total(loss.generator(judged(head, features, fake=True))), features
    )
    assert gradient.abs().max() < 1e-6
    loss, head = of_the_reference(inner, generator_weight=0.5)
    (gradient,) = torch.autograd.grad(
        total(loss.generator(judged(head, features, fake=True))), features
    )
    assert gradient.abs().max() > 1e-4


@every_classifier
def test_the_head_adds_the_twins_weights_alone_and_renames_none(inner):
    plain = shapes(PLAIN[inner]().build_head(FEATURES, CLASSES))
    wrapped = shapes(built(f'TAC({inner})')[1])
    added = {
        f'twin.{name}': shape
        for name, shape in plain.items()
        if not name.startswith('adversarial')
    }
    assert wrapped == {**plain, **added}


def test_the_twin_starts_from_weights_of_its_own():
    head = built('TAC(AC)')[1]
    output = judged(head)
    assert not torch.allclose(output.class_logits, output.twin.class_logits)
    assert torch.equal(output.twin.logits, output.logits)


def test_weights_are_one_by_default_and_the_formula_is_the_papers():
    loss = TAC()
    assert (loss.discriminator_weight, loss.generator_weight) == (1, 1)
    assert loss.formula == 'paper'


@pytest.mark.parametrize('method', [PD(), dict(type='MH'), dict(type='Unconditional')])
def test_a_method_without_a_class_term_raises_and_is_named(method):
    name = method['type'] if isinstance(method, dict) else 'PD'
    with pytest.raises(ValueError, match=f'TAC around {name}: .*AC, 2C and D2DCE'):
        TAC(method)


def test_an_unknown_formula_raises_and_names_the_nearest():
    with pytest.raises(ValueError, match=r"formula='StudioGAN'.*mean 'studiogan'\?"):
        TAC(D2DCELoss(embed_dim=5), formula='StudioGAN')
