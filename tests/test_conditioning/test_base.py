"""What every conditioning keeps: the contract of heads and losses."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from reacgan_plugin.conditioning import (
    AC,
    PD,
    AdversarialHead,
    ConditionalContrastiveLoss,
    Conditioning,
    D2DCELoss,
    DiscriminatorOutput,
    Unconditional,
)
from reacgan_plugin.functional import hinge_generator

CLASSES, FEATURES = 3, 6
METHODS = {
    'D2DCE': lambda **o: D2DCELoss(embed_dim=5, **o),
    '2C': lambda **o: ConditionalContrastiveLoss(embed_dim=5, **o),
    'AC': AC,
    'AC features': lambda **o: AC(normalize='features', **o),
    'AC both': lambda **o: AC(normalize='both', **o),
    'PD': PD,
    'Unconditional': Unconditional,
}
CLASS_AWARE = [name for name in METHODS if name != 'Unconditional']
WITH_A_TERM = [name for name in CLASS_AWARE if name != 'PD']
LABEL = torch.tensor([0, 1, 2, 1])

every_method = pytest.mark.parametrize('name', METHODS)


def built(name, **options):
    """A method's loss and its head."""
    loss = METHODS[name](**options)
    return loss, loss.build_head(FEATURES, CLASSES)


def judged(head, features=None, label=LABEL):
    features = torch.randn(len(label), FEATURES) if features is None else features
    return head(features, label)


def total(terms):
    return sum(terms.values(), torch.zeros(()))


@every_method
def test_outputs_have_the_shapes_of_the_contract(name):
    features = torch.randn(4, FEATURES)
    output = judged(built(name)[1], features)
    assert isinstance(output, DiscriminatorOutput)
    assert output.logits.shape == (4,)
    assert output.features.shape == (4, FEATURES)
    assert output.label is LABEL
    for rows, width in [('embedding', 5), ('proxy', 5), ('class_logits', CLASSES)]:
        value = getattr(output, rows)
        assert value is None or value.shape == (4, width)
    assert output.twin is None
    assert output.info is None


@every_method
def test_real_and_fake_are_judged_alike(name):
    head = built(name)[1].eval()
    features = torch.randn(4, FEATURES)
    real, fake = head(features, LABEL), head(features, LABEL, fake=True)
    for field, value in real._asdict().items():
        if value is not None:
            assert torch.equal(getattr(fake, field), value), field


@every_method
def test_the_discriminators_term_is_that_of_the_real_batch(name):
    loss, head = built(name)
    real, fake = judged(head), judged(head)
    terms = loss.discriminator(real, fake)
    assert terms == loss.terms(real)
    assert loss.discriminator(real, None) == terms


@every_method
def test_the_generators_term_is_that_of_the_fake_batch(name):
    loss, head = built(name)
    real, fake = judged(head), judged(head)
    terms = loss.generator(fake, real)
    assert terms == loss.terms(fake)
    assert loss.generator(fake) == terms


@pytest.mark.parametrize('name', WITH_A_TERM)
def test_real_and_fake_batches_give_different_terms(name):
    loss, head = built(name)
    real, fake = judged(head), judged(head)
    of_real = loss.discriminator(real, fake)
    of_fake = loss.generator(fake, real)
    assert of_real.keys() == of_fake.keys() == {'loss_conditioning'}
    assert not torch.isclose(of_real['loss_conditioning'], of_fake['loss_conditioning'])


@pytest.mark.parametrize('name', WITH_A_TERM)
def test_terms_are_proportional_to_the_weight(name):
    output = judged(built(name)[1])
    single, double = (
        METHODS[name](loss_weight=weight).terms(output)['loss_conditioning']
        for weight in (1.0, 2.5)
    )
    assert single > 0
    assert torch.isclose(double, 2.5 * single)


@every_method
def test_gradients_reach_every_parameter_of_the_head(name):
    loss, head = built(name)
    real = judged(head)
    (hinge_generator(real.logits) + total(loss.discriminator(real, None))).backward()
    for parameter_name, parameter in head.named_parameters():
        assert parameter.grad.isfinite().all(), parameter_name
        assert parameter.grad.abs().max() > 0, parameter_name


@every_method
def test_the_conditioning_shows_in_the_generators_gradient(name):
    # The whole objective against the real/fake logit alone, on the same features.
    loss, head = built(name)
    head.eval()
    features = torch.randn(4, FEATURES).requires_grad_()
    fake = judged(head, features)
    objective = hinge_generator(fake.logits) + total(loss.generator(fake))
    (conditioned,) = torch.autograd.grad(objective, features)
    logits = head.adversarial(features)
    (alone,) = torch.autograd.grad(hinge_generator(logits), features)
    changed = (conditioned - alone).abs().amax(1)
    if name == 'Unconditional':
        assert torch.count_nonzero(changed) == 0
    else:
        assert changed.min() > 1e-3  # of every sample


@pytest.mark.parametrize('name', CLASS_AWARE)
def test_another_label_gives_the_generator_another_gradient(name):
    loss, head = built(name)
    head.eval()
    features = torch.randn(4, FEATURES).requires_grad_()
    gradients = []
    for label in (LABEL, (LABEL + 1) % CLASSES):
        fake = judged(head, features, label)
        objective = hinge_generator(fake.logits) + total(loss.generator(fake))
        gradients += torch.autograd.grad(objective, features)
    assert (gradients[0] - gradients[1]).abs().amax(1).min() > 1e-3


@every_method
@pytest.mark.parametrize(
    'label, message',
    [
        (torch.tensor([0.0, 1.0, 2.0, 1.0]), 'float32; allowed: integers'),
        (F.one_hot(LABEL), r'\(4, 3\); allowed: \(4,\).*argmax'),
        (LABEL[:, None], r'\(4, 1\); allowed: \(4,\).*squeeze'),
        (torch.tensor([0, 1, 3, 1]), r'class 3; allowed: 0\.\.2'),
        (torch.tensor([0, 1, -1, 1]), r'class -1; allowed: 0\.\.2'),
        (LABEL[:3], '3 entries for 4 samples'),
        (LABEL > 0, 'bool; allowed: integers'),
    ],
)
def test_labels_that_do_not_fit_raise(name, label, message):
    head = built(name)[1]
    with pytest.raises(ValueError, match=message):
        head(torch.randn(4, FEATURES), label)


@pytest.mark.parametrize('dtype', [torch.int32, torch.int16, torch.int8, torch.uint8])
@every_method
def test_narrow_integer_labels_give_the_same_losses(name, dtype):
    loss, head = built(name)
    head.eval()
    features = torch.randn(4, FEATURES)
    wide, narrow = judged(head, features), judged(head, features, LABEL.to(dtype))
    assert torch.equal(narrow.logits, wide.logits)
    assert torch.equal(total(loss.terms(narrow)), total(loss.terms(wide)))


@every_method
@pytest.mark.parametrize('spectral_norm', [True, False])
def test_spectral_norm_is_on_every_weight_or_on_none(name, spectral_norm):
    head = built(name, spectral_norm=spectral_norm)[1]
    layers = [m for m in head.modules() if isinstance(m, nn.Linear | nn.Embedding)]
    assert layers
    for layer in layers:
        assert hasattr(layer, 'parametrizations') is spectral_norm


@every_method
def test_the_loss_itself_has_no_state(name):
    assert METHODS[name]().state_dict() == {}


@every_method
@pytest.mark.parametrize('label', [torch.tensor([1]), torch.tensor([2, 2, 2, 2])])
def test_one_sample_and_one_class_stay_finite(name, label):
    loss, head = built(name)
    features = torch.randn(len(label), FEATURES).requires_grad_()
    real = judged(head, features, label)
    assert real.logits.shape == label.shape
    (hinge_generator(real.logits) + total(loss.discriminator(real, None))).backward()
    for tensor in (features, *head.parameters()):
        assert tensor.grad.isfinite().all()


@every_method
def test_features_of_zero_stay_finite(name):
    loss, head = built(name)
    features = torch.zeros(4, FEATURES).requires_grad_()
    real = judged(head, features)
    (hinge_generator(real.logits) + total(loss.discriminator(real, None))).backward()
    for tensor in (features, *head.parameters()):
        assert tensor.grad.isfinite().all()
        assert tensor.grad.abs().max() < 1e3


@pytest.mark.parametrize('name', WITH_A_TERM)
def test_autocast_leaves_the_terms_in_float32(name):
    loss, head = built(name)
    head.eval()
    features = torch.randn(4, FEATURES)
    expected = total(loss.terms(judged(head, features)))
    with torch.autocast('cpu', torch.bfloat16):
        term = total(loss.terms(judged(head, features)))
    assert term.dtype == torch.float32
    assert torch.isclose(term, expected, rtol=0.05)


@every_method
def test_a_misspelt_keyword_is_not_swallowed(name):
    with pytest.raises(TypeError, match='spectral_nrom'):
        METHODS[name](spectral_nrom=True)


class ByHead(Conditioning):
    """The least that a new method writes: its terms."""

    def terms(self, output):
        return {'loss_mine': self.loss_weight * output.logits.mean()}


def test_a_new_method_writes_only_its_terms():
    method = ByHead(loss_weight=2.0, spectral_norm=False)
    head = method.build_head(FEATURES, CLASSES)
    assert type(head) is AdversarialHead
    real, fake = judged(head), judged(head)
    assert method.discriminator(real, fake)['loss_mine'] == 2 * real.logits.mean()
    assert method.generator(fake, real)['loss_mine'] == 2 * fake.logits.mean()


def test_the_adversarial_logit_is_a_linear_map():
    head = AdversarialHead(FEATURES, CLASSES, spectral_norm=False)
    head.adversarial.bias.data.fill_(0.3)
    features = torch.randn(4, FEATURES)
    weight = head.adversarial.weight[0]
    for logit, row in zip(judged(head, features).logits, features, strict=True):
        assert torch.isclose(logit, row @ weight + 0.3, atol=1e-6)


def test_a_method_without_terms_speaks_through_the_logits_alone():
    assert Conditioning().discriminator(None, None) == {}
    assert Conditioning().generator(None) == {}
