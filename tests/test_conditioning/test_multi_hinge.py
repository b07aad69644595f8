import pytest
import torch
from tiny_methods import CLASSES, FEATURES, LABEL

from reacgan_plugin.conditioning import MH, MultiHingeHead
from reacgan_plugin.gan import adversarial
from reacgan_plugin.gan.adversarial import Hinge


def head():
    built = MultiHingeHead(FEATURES, CLASSES, spectral_norm=False).double()
    built.adversarial.bias.data.normal_()
    return built


def output(built, seed=0):
    random = torch.Generator().manual_seed(seed)
    features = torch.randn(4, FEATURES, generator=random, dtype=torch.float64)
    return built(features, LABEL)


def crammer_singer(built, features, wanted):
    """Each sample's wanted logit should win over all others by one."""
    terms = []
    for feature, own in zip(features, wanted, strict=True):
        logits = [
            feature @ weight + bias
            for weight, bias in zip(
                built.adversarial.weight, built.adversarial.bias, strict=True
            )
        ]
        rest = max(logit for k, logit in enumerate(logits) if k != own)
        terms.append(max(0, 1 + rest - logits[own]))
    return sum(terms) / len(terms)


def test_the_adversarial_part_is_the_multi_hinge_of_the_wanted_classes():
    built = head()
    real, fake = output(built, 1), output(built, 2)
    loss = MH(generator_weight=0.3).adversarial(Hinge())
    expected = crammer_singer(built, real.features, LABEL.tolist())
    expected += crammer_singer(built, fake.features, [CLASSES] * 4)
    assert torch.isclose(loss.discriminator(real, fake), expected)
    expected = 0.3 * crammer_singer(built, fake.features, LABEL.tolist())
    assert torch.isclose(loss.generator(fake, real), expected)
    assert torch.isclose(loss.generator(fake), expected)


def test_the_generator_matches_the_mean_real_features():
    built = head()
    real, fake = output(built, 1), output(built, 2)
    gaps = [
        abs(sum(fake.features[:, c]) / 4 - sum(real.features[:, c]) / 4)
        for c in range(FEATURES)
    ]
    terms = MH(feature_weight=0.7).generator(fake, real)
    assert terms.keys() == {'loss_features'}
    assert torch.isclose(terms['loss_features'], 0.7 * sum(gaps) / FEATURES)


def test_real_features_are_a_target_that_gets_no_gradient():
    built = head()
    real, fake = (
        o._replace(features=o.features.clone().requires_grad_())
        for o in (output(built, 1), output(built, 2))
    )
    MH().generator(fake, real)['loss_features'].backward()
    assert real.features.grad is None
    assert torch.count_nonzero(fake.features.grad) == fake.features.numel()


def test_the_discriminator_gets_no_further_term():
    built = head()
    assert MH().discriminator(output(built), output(built)) == {}


def test_without_feature_matching_reals_are_not_needed():
    loss = MH(feature_weight=0)
    assert loss.needs_real is False
    assert loss.generator(output(head())) == {}


def test_with_feature_matching_a_missing_real_output_raises():
    assert MH().needs_real is True
    with pytest.raises(ValueError, match='MH with feature_weight needs the output for'):
        MH().generator(output(head()))


@pytest.mark.parametrize('name', ['Wasserstein', 'Logistic', 'Relativistic'])
def test_another_loss_than_the_hinge_raises_and_is_named(name):
    message = rf"found {name}; .*model\.adversarial_loss out or set dict\(type='Hinge'"
    with pytest.raises(ValueError, match=message):
        MH().adversarial(getattr(adversarial, name)())
