"""What every conditioning keeps: the contract of heads and losses."""

from copy import deepcopy

import pytest
import torch
from tiny_methods import (
    CLASSES,
    FEATURES,
    LABEL,
    METHODS,
    PLAIN,
    built,
    discriminator_objective,
    generated,
    generator_objective,
    judged,
)
from torch import Tensor, nn

from reacgan_plugin.conditioning import (
    AdversarialHead,
    Conditioning,
    DiscriminatorOutput,
)
from reacgan_plugin.functional import hinge_generator
from reacgan_plugin.layers import frozen

BLIND = ('Unconditional', 'Info(Unconditional)')  # to the class
IN_THE_LOGITS = ('SPD', 'MD', 'MH', 'Info(MH)')  # whose logits are nothing without it
WITH_A_TERM = [name for name in PLAIN if METHODS[name]().classifies]

every_method = pytest.mark.parametrize('name', METHODS)


def tensors(output):
    """All tensors of an output, those of nested ones too."""
    for value in output:
        if isinstance(value, Tensor):
            yield value
        elif value is not None:
            yield from tensors(value)


@every_method
def test_outputs_have_the_shapes_of_the_contract(name):
    features = torch.randn(4, FEATURES)
    output = judged(built(name)[1], features)
    assert isinstance(output, DiscriminatorOutput)
    assert output.logits.shape == ((4, CLASSES + 1) if 'MH' in name else (4,))
    assert output.features.shape == (4, FEATURES)
    assert output.label is LABEL
    of_classes = 2 * CLASSES if 'ADC' in name else CLASSES
    for rows, width in [('embedding', 5), ('proxy', 5), ('class_logits', of_classes)]:
        value = getattr(output, rows)
        assert value is None or value.shape == (4, width)
    assert (output.twin is None) is ('TAC' not in name)
    assert (output.info is None) is ('Info' not in name)
    assert output.z is None


@pytest.mark.parametrize('name', [name for name in METHODS if 'ADC' not in name])
def test_real_and_fake_are_judged_alike(name):
    head = built(name)[1].eval()
    features = torch.randn(4, FEATURES)
    real, fake = (tensors(head(features, LABEL, fake=f)) for f in (False, True))
    for of_real, of_fake in zip(real, fake, strict=True):
        assert torch.equal(of_real, of_fake)


@pytest.mark.parametrize('name', PLAIN)
def test_the_discriminators_term_is_that_of_the_real_batch(name):
    loss, head = built(name)
    real, fake = judged(head), judged(head)
    terms = loss.discriminator(real, fake)
    assert terms == loss.terms(real)
    assert loss.discriminator(real, None) == terms


@pytest.mark.parametrize('name', [name for name in PLAIN if name != 'MH'])
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
def test_every_term_has_the_name_of_a_loss_and_is_a_scalar(name):
    loss, head = built(name)
    real, fake = judged(head), generated(loss, head, torch.randn(4, FEATURES))
    for terms in (loss.discriminator(real, fake), loss.generator(fake, real)):
        for term, value in terms.items():
            assert term.startswith('loss_')
            assert value.shape == ()
            assert value.isfinite()


@every_method
def test_gradients_reach_every_parameter_of_the_head(name):
    loss, head = built(name)
    real, fake = judged(head), judged(head, fake=True)
    # beside the hinges, whose pulls on a bias may cancel
    (discriminator_objective(loss, real, fake) + real.logits.mean()).backward()
    for parameter_name, parameter in head.named_parameters():
        assert parameter.grad.isfinite().all(), parameter_name
        assert parameter.grad.abs().max() > 0, parameter_name


@pytest.mark.parametrize(
    'name', [name for name in METHODS if name not in IN_THE_LOGITS]
)
def test_the_conditioning_shows_in_the_generators_gradient(name):
    # The whole objective against the real/fake logit alone, on the same features.
    loss, head = built(name)
    head.eval()
    features = torch.randn(4, FEATURES).requires_grad_()
    with frozen(head):
        objective = generator_objective(loss, generated(loss, head, features), None)
        alone = hinge_generator(head.adversarial(features))
    (conditioned,) = torch.autograd.grad(objective, features)
    (alone,) = torch.autograd.grad(alone, features)
    changed = (conditioned - alone).abs().amax(1)
    if name == 'Unconditional':
        assert torch.count_nonzero(changed) == 0
    else:
        assert changed.min() > 1e-3  # of every sample


@pytest.mark.parametrize('name', METHODS)
def test_another_label_gives_the_generator_another_gradient(name):
    loss, head = built(name)
    head.eval()
    real = judged(head)
    features = torch.randn(4, FEATURES).requires_grad_()
    gradients = []
    for label in (LABEL, (LABEL + 1) % CLASSES):
        fake = generated(loss, head, features, label)
        objective = generator_objective(loss, fake, real)
        gradients += torch.autograd.grad(objective, features)
    changed = (gradients[0] - gradients[1]).abs().amax(1)
    if name in BLIND:
        assert torch.count_nonzero(changed) == 0
    else:
        assert changed.min() > 1e-3


@every_method
def test_narrow_integer_labels_give_the_same_losses(name):
    loss, head = built(name)
    head.eval()
    features, real = torch.randn(4, FEATURES), judged(head)
    wide = generated(loss, head, features)
    for dtype in (torch.int32, torch.int16, torch.int8, torch.uint8):
        narrow = generated(loss, head, features, LABEL.to(dtype))
        assert torch.equal(narrow.logits, wide.logits)
        expected = generator_objective(loss, wide, real)
        assert torch.equal(generator_objective(loss, narrow, real), expected)


@every_method
@pytest.mark.parametrize('spectral_norm', [True, False])
def test_spectral_norm_is_on_every_weight_or_on_none(name, spectral_norm):
    head = built(name, spectral_norm=spectral_norm)[1]
    layers = [m for m in head.modules() if isinstance(m, nn.Linear | nn.Embedding)]
    assert layers
    for layer in layers:
        assert hasattr(layer, 'parametrizations') is spectral_norm


@every_method
def test_a_copy_and_a_restored_head_judge_to_the_bit_alike(name):
    head = built(name)[1].eval()
    restored = built(name)[1].eval()
    restored.load_state_dict(head.state_dict())
    features = torch.randn(4, FEATURES)
    expected = list(tensors(head(features, LABEL)))
    for other in (deepcopy(head), restored):
        found = tensors(other(features, LABEL))
        assert all(map(torch.equal, found, expected))


@every_method
def test_the_loss_itself_has_no_state(name):
    assert METHODS[name]().state_dict() == {}


@every_method
@pytest.mark.parametrize('label', [torch.tensor([1]), torch.tensor([2, 2, 2, 2])])
@pytest.mark.parametrize('scale', [0, 1])
def test_one_sample_one_class_and_features_of_zero_stay_finite(name, label, scale):
    loss, head = built(name)
    features = (scale * torch.randn(len(label), FEATURES)).requires_grad_()
    real, fake = judged(head, features, label), judged(head, features, label, fake=True)
    assert len(real.logits) == len(label)
    of_generator = generator_objective(
        loss, generated(loss, head, features, label), real
    )
    (discriminator_objective(loss, real, fake) + of_generator).backward()
    for tensor in (features, *head.parameters()):
        assert tensor.grad.isfinite().all()
        assert tensor.grad.abs().max() < 1e3


@every_method
def test_autocast_leaves_the_terms_in_float32(name):
    loss, head = built(name)
    head.eval()
    features, real = torch.randn(4, FEATURES), judged(head)
    expected = generator_objective(loss, generated(loss, head, features), real)
    with torch.autocast('cpu', torch.bfloat16):
        found = generator_objective(loss, generated(loss, head, features), real)
    assert found.dtype == torch.float32
    assert torch.isclose(found, expected, rtol=0.05)


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


def test_a_method_without_terms_speaks_through_the_logits_alone():
    assert Conditioning().classifies is False
    assert Conditioning().discriminator(None, None) == {}
    assert Conditioning().generator(None) == {}


def test_a_class_term_that_is_not_written_says_who_must_write_it():
    with pytest.raises(NotImplementedError, match='PD must define unweighted'):
        METHODS['PD']().unweighted(None)


@every_method
def test_a_head_takes_the_scores_of_a_discriminator_with_a_last_layer(name):
    torch.manual_seed(0)
    loss, own = built(name)
    outside = deepcopy(own)
    features = torch.randn(4, FEATURES)
    if own.width(CLASSES) != 1:
        with pytest.raises(ValueError, match='numbers of an adversarial layer'):
            outside.take_scores()
        return
    scores = own.adversarial.eval()(features)
    outside.take_scores()
    assert not [key for key in outside.state_dict() if key.startswith('adversarial')]
    own, outside = own.eval(), outside.eval()
    ours, theirs = own(features, LABEL), outside(features, LABEL, scores=scores)
    for mine, other in zip(tensors(ours), tensors(theirs), strict=True):
        torch.testing.assert_close(mine, other)


def test_realness_is_the_logit_of_a_real_fake_judgement():
    output = DiscriminatorOutput(
        torch.tensor([1.0, -2]), torch.ones(2, 3), torch.tensor([0, 1])
    )
    assert output.realness is output.logits


def test_realness_of_a_logit_a_class_is_that_of_the_own_class_above_that_of_fake():
    logits = torch.tensor([[1.0, 2, 3], [4, 6, 9]])  # the last is 'fake'
    output = DiscriminatorOutput(logits, torch.ones(2, 3), torch.tensor([0, 1]))
    assert output.realness.tolist() == [-2, -3]
