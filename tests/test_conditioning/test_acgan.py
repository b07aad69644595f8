import pytest
import torch
from torch.nn import functional as F

from reacgan_plugin.conditioning import AC, ClassifierHead
from reacgan_plugin.functional import class_cross_entropy

LABEL = torch.tensor([0, 1, 2, 1])
NORMALIZE = [None, 'features', 'both']


def head(normalize=None, **options):
    """A head without spectral norm, which would hide the weight's scale."""
    options = dict(spectral_norm=False, **options)
    return ClassifierHead(6, 3, normalize=normalize, **options)


def class_logits(built, features):
    return built(features, LABEL).class_logits


@pytest.mark.parametrize('normalize', NORMALIZE)
def test_class_logits_are_products_of_features_and_weights(normalize):
    built = head(normalize)
    built.classifier.weight.data.normal_()
    features = 2 * torch.randn(4, 6)
    weight = built.classifier.weight
    result = class_logits(built, features)
    for n, feature in enumerate(features):
        for k, w in enumerate(weight):
            expected = feature @ w
            if normalize is not None:
                expected = expected / feature.norm()
            if normalize == 'both':
                expected = expected / w.norm()
            assert torch.isclose(result[n, k], expected, atol=1e-5)


@pytest.mark.parametrize(
    'normalize, of_features, of_weights',
    [(None, 3.0, 3.0), ('features', 1.0, 3.0), ('both', 1.0, 1.0)],
)
def test_scales_show_where_nothing_is_normalised(normalize, of_features, of_weights):
    built = head(normalize)
    features = torch.randn(4, 6)
    expected = class_logits(built, features)
    scaled = class_logits(built, 3 * features)
    assert torch.allclose(scaled, of_features * expected, atol=1e-5)
    built.classifier.weight.data.mul_(3)
    scaled = class_logits(built, features)
    assert torch.allclose(scaled, of_weights * expected, atol=1e-5)


def test_both_normalisations_give_cosines_under_spectral_norm_too():
    built = ClassifierHead(6, 3, normalize='both')
    with torch.no_grad():  # rows of unequal norm
        original = built.classifier.parametrizations.weight.original
        original.mul_(torch.tensor([[1.0], [5.0], [0.1]]))
    features = torch.randn(4, 6)
    expected = F.cosine_similarity(features[:, None], original[None], dim=2)
    assert torch.allclose(class_logits(built, features), expected, atol=1e-5)


@pytest.mark.parametrize('normalize', NORMALIZE)
def test_the_outputs_features_are_those_that_were_classified(normalize):
    features = 3 * torch.randn(4, 6)
    result = head(normalize)(features, LABEL)
    if normalize is None:
        assert torch.equal(result.features, features)
    else:
        assert torch.allclose(result.features, F.normalize(features))


@pytest.mark.parametrize('normalize', NORMALIZE)
def test_the_adversarial_logit_sees_features_before_normalisation(normalize):
    built = head(normalize)
    features = 3 * torch.randn(4, 6)
    expected = built.adversarial(features).squeeze(1)
    assert torch.equal(built(features, LABEL).logits, expected)


@pytest.mark.parametrize('normalize', NORMALIZE)
def test_the_term_is_the_weighted_cross_entropy(normalize):
    loss = AC(loss_weight=0.7, normalize=normalize)
    result = loss.build_head(6, 3)(torch.randn(4, 6), LABEL)
    expected = 0.7 * class_cross_entropy(result.class_logits, LABEL)
    assert torch.isclose(loss.terms(result)['loss_conditioning'], expected)


def test_the_default_has_weight_one_and_normalises_nothing():
    loss = AC()
    built = loss.build_head(6, 3)
    assert built.normalize is None
    result = built(torch.randn(4, 6), LABEL)
    expected = F.cross_entropy(result.class_logits, LABEL)
    assert torch.isclose(loss.terms(result)['loss_conditioning'], expected)


def test_the_classifier_has_no_bias():
    assert head().classifier.bias is None


@pytest.mark.parametrize('make', [AC, head])
def test_an_unknown_normalisation_raises_and_names_the_nearest(make):
    message = r"normalize='feature'.*None, 'features', 'both'.*mean 'features'\?"
    with pytest.raises(ValueError, match=message):
        make(normalize='feature')
