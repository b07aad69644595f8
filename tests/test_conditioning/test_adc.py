import pytest
import torch
from tiny_methods import (
    CLASSES,
    CLASSIFIERS,
    FEATURES,
    LABEL,
    PLAIN,
    built,
    generated,
    judged,
    shapes,
)

from reacgan_plugin.conditioning import AC, ADC, PD

every_classifier = pytest.mark.parametrize('inner', CLASSIFIERS)


def cross_entropy(weight, features, label):
    """Of linear logits of 2K classes, one sample after the other."""
    terms = []
    for feature, own in zip(features, label, strict=True):
        logits = torch.stack([feature @ row for row in weight])
        terms.append(logits.exp().sum().log() - logits[own])
    return sum(terms) / len(terms)


def test_terms_are_cross_entropies_over_real_and_fake_classes():
    loss = ADC(AC(loss_weight=0.7, spectral_norm=False))
    head = loss.build_head(FEATURES, CLASSES).double()
    weight = head.classifier.weight
    assert weight.shape == (2 * CLASSES, FEATURES)
    real_features, fake_features = torch.randn(2, 4, FEATURES).double()
    as_real, as_fake = [0, 2, 4, 2], [1, 3, 5, 3]  # of LABEL
    real = judged(head, real_features)
    terms = loss.discriminator(real, judged(head, fake_features, fake=True))
    assert terms.keys() == {'loss_conditioning', 'loss_conditioning_fake'}
    expected = 0.7 * cross_entropy(weight, real_features, as_real)
    assert torch.isclose(terms['loss_conditioning'], expected)
    expected = 0.7 * cross_entropy(weight, fake_features, as_fake)
    assert torch.isclose(terms['loss_conditioning_fake'], expected)
    terms = loss.generator(generated(loss, head, fake_features), real)
    assert terms.keys() == {'loss_conditioning', 'loss_conditioning_fake'}
    expected = 0.7 * cross_entropy(weight, fake_features, as_real)
    assert torch.isclose(terms['loss_conditioning'], expected)
    expected = -0.7 * cross_entropy(weight, fake_features, as_fake)
    assert torch.isclose(terms['loss_conditioning_fake'], expected)


@pytest.mark.parametrize('inner', ['2C', 'D2DCE'])
def test_proxies_of_reals_are_the_even_rows_and_those_of_fakes_the_odd_ones(inner):
    head = built(f'ADC({inner})', spectral_norm=False)[1]
    directions = torch.nn.functional.normalize(head.proxies.weight)
    features = torch.randn(4, FEATURES)
    for fake in (False, True):
        proxy = judged(head, features, fake=fake).proxy
        assert torch.allclose(proxy, directions[2 * LABEL + fake], atol=1e-6)


@every_classifier
def test_both_batches_are_classified_by_the_method_under_doubled_labels(inner):
    loss, head = built(f'ADC({inner})')
    real, fake = judged(head), judged(head, fake=True)
    terms = loss.discriminator(real, fake)
    for name, output, label in (
        ('loss_conditioning', real, 2 * LABEL),
        ('loss_conditioning_fake', fake, 2 * LABEL + 1),
    ):
        doubled = output._replace(label=label)
        expected = loss.method.loss_weight * loss.method.unweighted(doubled)
        assert torch.isclose(terms[name], expected)


@every_classifier
@pytest.mark.parametrize('fake', [False, True])
def test_the_outputs_label_stays_the_class_that_was_asked_for(inner, fake):
    head = built(f'ADC({inner})')[1]
    assert torch.equal(judged(head, fake=fake).label, LABEL)


def test_only_classes_that_exist_are_allowed_though_there_are_rows_for_twice_as_many():
    with pytest.raises(ValueError, match=r'class 3; allowed: 0\.\.2'):
        judged(built('ADC(AC)')[1], label=torch.tensor([0, 3]))


@every_classifier
def test_generated_images_are_judged_as_real_and_then_as_fake(inner):
    loss, head = built(f'ADC({inner})')
    head.eval()
    features, views = torch.randn(4, FEATURES), []

    def discriminator(image, label, *, fake):
        assert torch.equal(image, features)
        assert torch.equal(label, LABEL)
        views.append(fake)
        return head(image, label, fake=fake)

    output = loss.judge_generated(discriminator, features, LABEL)
    assert views == [False, True]
    for view, fake in ((output, False), (output.twin, True)):
        expected = head(features, LABEL, fake=fake)
        for field in ('logits', 'class_logits', 'proxy'):
            value = getattr(expected, field)
            assert value is None or torch.equal(getattr(view, field), value)


@every_classifier
def test_the_generator_is_drawn_by_both_views(inner):
    loss, head = built(f'ADC({inner})')
    features = torch.randn(4, FEATURES).requires_grad_()
    terms = loss.generator(generated(loss, head, features))
    for name, term in terms.items():
        (gradient,) = torch.autograd.grad(term, features, retain_graph=True)
        assert gradient.abs().amax(1).min() > 0, name


@every_classifier
def test_the_generator_does_not_want_its_fakes_taken_for_fakes(inner):
    loss, head = built(f'ADC({inner})')
    head.eval()
    features = torch.randn(4, FEATURES).requires_grad_()
    of_fakes = loss.discriminator(judged(head), judged(head, features, fake=True))
    of_fakes = of_fakes['loss_conditioning_fake']
    of_generator = loss.generator(generated(loss, head, features))
    (down,) = torch.autograd.grad(of_fakes, features)
    (up,) = torch.autograd.grad(of_generator['loss_conditioning_fake'], features)
    assert torch.allclose(up, -down, atol=1e-6)


@every_classifier
def test_the_head_is_that_of_twice_as_many_classes(inner):
    plain = PLAIN[inner]().build_head(FEATURES, 2 * CLASSES)
    assert shapes(built(f'ADC({inner})')[1]) == shapes(plain)


def test_a_method_without_a_class_term_raises_and_is_named():
    with pytest.raises(ValueError, match='ADC around PD: .*AC, 2C and D2DCE'):
        ADC(PD())
