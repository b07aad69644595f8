import pytest
import torch
from tiny_gan import batch, gradients, latents, optimizers, plain_gan
from tiny_methods import (
    CLASSES,
    CODES,
    FEATURES,
    LABEL,
    METHODS,
    PLAIN,
    built,
    generated,
    judged,
    latent,
    shapes,
)
from torch.distributions import Categorical, Normal

from reacgan_plugin.conditioning import AC, Info, Unconditional
from reacgan_plugin.functional.codes import CodeSizes, codes_of
from reacgan_plugin.layers import frozen

TERMS = {'loss_info_discrete', 'loss_info_continuous'}
INNER = [name[5:-1] for name in METHODS if name.startswith('Info(')]


def test_terms_are_log_likelihoods_of_the_codes_under_q():
    loss = Info(
        Unconditional(spectral_norm=False),
        discrete=2,
        categories=3,
        continuous=2,
        discrete_weight=0.3,
        continuous_weight=0.4,
        feature_scale=0.5,
    )
    head = loss.build_head(FEATURES, CLASSES).double()
    features, z = torch.randn(4, FEATURES).double(), torch.randn(4, 11).double()
    terms = loss.generator(head(features, LABEL)._replace(z=z))
    q = {name: layer.weight for name, layer in head.information.items()}
    codes = codes_of(z, CodeSizes(2, 3, 2))
    discrete = continuous = 0
    for n, feature in enumerate(0.5 * features):
        for code in range(2):
            logits = q['discrete'][3 * code : 3 * code + 3] @ feature
            likelihood = Categorical(logits=logits).log_prob(codes.category[n, code])
            discrete = discrete - likelihood / 4
        for code in range(2):
            spread = (q['log_variance'][code] @ feature / 2).exp()
            normal = Normal(q['mean'][code] @ feature, spread)
            continuous = continuous - normal.log_prob(codes.number[n, code]) / 4
    assert torch.isclose(terms['loss_info_discrete'], 0.3 * discrete)
    assert torch.isclose(terms['loss_info_continuous'], 0.4 * continuous, rtol=1e-4)
    of_discriminator = loss.discriminator(None, head(features, LABEL)._replace(z=z))
    for name, term in terms.items():
        assert torch.equal(of_discriminator[name], term), name


def test_features_of_any_scale_are_read_alike_by_default():
    loss = Info(Unconditional(), discrete=1, categories=3, continuous=1)
    head = loss.build_head(FEATURES, CLASSES).eval()
    features, z = torch.randn(4, FEATURES), torch.randn(4, 4)
    small, large = (
        loss.generator(head(scale * features, LABEL)._replace(z=z))
        for scale in (1.0, 1e3)
    )
    for name in TERMS:
        assert torch.isclose(small[name], large[name], rtol=1e-4), name
        assert small[name] < 20, name


def test_the_codes_are_read_from_the_end_of_z():
    loss, head = built('Info(Unconditional)')
    output = judged(head, fake=True)
    terms = loss.generator(output)
    longer = torch.cat([torch.randn(4, 2), latent(LABEL)], dim=1)
    shifted = loss.generator(output._replace(z=longer))
    changed = loss.generator(output._replace(z=-output.z))
    for name, term in terms.items():
        assert torch.equal(shifted[name], term), name
        assert not torch.isclose(changed[name], term), name


@pytest.mark.parametrize('inner', INNER)
def test_the_terms_of_the_method_stay_as_they_are(inner):
    loss, head = built(f'Info({inner})')
    real, fake = judged(head), generated(loss, head, torch.randn(4, FEATURES))
    for wrapped, plain in (
        (loss.discriminator(real, fake), loss.method.discriminator(real, fake)),
        (loss.generator(fake, real), loss.method.generator(fake, real)),
    ):
        assert wrapped.keys() - plain.keys() == TERMS
        for name, term in plain.items():
            assert torch.equal(wrapped[name], term), name


@pytest.mark.parametrize('inner', INNER)
def test_q_learns_while_the_features_get_no_gradient_of_it(inner):
    loss, head = built(f'Info({inner})')
    features = torch.randn(4, FEATURES).requires_grad_()
    real, fake = judged(head), judged(head, features, fake=True)
    terms = loss.discriminator(real, fake)
    information = sum(terms[name] for name in TERMS)
    weights = list(head.information.parameters())
    found = torch.autograd.grad(information, [features, *weights], allow_unused=True)
    assert found[0] is None
    assert all(torch.count_nonzero(gradient) for gradient in found[1:])


@pytest.mark.parametrize('inner', INNER)
def test_features_get_a_gradient_of_a_frozen_q(inner):
    loss, head = built(f'Info({inner})')
    features, real = torch.randn(4, FEATURES).requires_grad_(), judged(head)
    with frozen(head):
        terms = loss.generator(generated(loss, head, features), real)
    for name in TERMS:
        (gradient,) = torch.autograd.grad(terms[name], features, retain_graph=True)
        assert gradient.abs().amax(1).min() > 0, name


def info_gan(**weights):
    torch.manual_seed(0)
    inner = Unconditional(spectral_norm=False)
    return plain_gan(Info(inner, **CODES, **weights))


def network_gradients(**weights):
    """Of both networks in one iteration that moves neither."""
    model = info_gan(**weights)
    model.train_step(batch(), optimizers(model, lr=0))
    return gradients(model.discriminator), gradients(model.generator)


@pytest.mark.parametrize('code', ['discrete_weight', 'continuous_weight'])
def test_information_teaches_q_and_the_generator_and_not_the_backbone(code):
    weights = dict(discrete_weight=0, continuous_weight=0)
    before = network_gradients(**weights)
    after = network_gradients(**{**weights, code: 1.0})
    moved = {
        name
        for old, new in zip(before, after, strict=True)
        for name in old
        if not torch.allclose(old[name], new[name], atol=1e-7)
    }
    own = ['discrete'] if code == 'discrete_weight' else ['mean', 'log_variance']
    of_q = {f'head.information.{name}.weight' for name in own}
    assert moved == {*of_q, 'classes.weight', 'map.weight', 'map.bias'}


def test_both_updates_read_the_codes_of_their_own_z():
    model = info_gan()
    data, (z, label) = batch(), latents()
    rows = (data['image'], data['label'], z, label)
    terms = model.discriminator_terms(*rows)
    fake = model.discriminator(model.generator(z, label), label, fake=True)
    expected = model.loss.discriminator(None, fake._replace(z=z))
    with frozen(model.discriminator):
        of_generator = model.generator_terms(z, label)
    for name in TERMS:
        assert torch.isclose(terms[name], expected[name]), name
        assert torch.isclose(of_generator[name], expected[name]), name


@pytest.mark.parametrize('inner', INNER)
def test_the_head_adds_q_alone_and_renames_nothing(inner):
    loss, head = built(f'Info({inner})', spectral_norm=False)
    plain = loss.method.build_head(FEATURES, CLASSES)
    added = {
        'information.discrete.weight': (2, FEATURES),
        'information.mean.weight': (1, FEATURES),
        'information.log_variance.weight': (1, FEATURES),
    }
    assert shapes(head) == {**shapes(plain), **added}


@pytest.mark.parametrize(
    'sizes, kinds',
    [
        (dict(discrete=2, continuous=0), {'discrete'}),
        (dict(discrete=0, continuous=3), {'mean', 'log_variance'}),
    ],
)
def test_codes_that_are_absent_have_no_weights_and_no_term(sizes, kinds):
    loss = Info(PLAIN['PD'](), categories=2, **sizes)
    head = loss.build_head(FEATURES, CLASSES)
    assert set(head.information) == kinds
    output = head(torch.randn(4, FEATURES), LABEL)._replace(z=torch.randn(4, 6))
    assert (output.info.code_logits is None) is ('discrete' not in kinds)
    assert (output.info.mean is None) is ('mean' not in kinds)
    name = 'loss_info_discrete' if 'discrete' in kinds else 'loss_info_continuous'
    terms = loss.generator(output)
    assert terms.keys() == {name}
    assert terms[name].isfinite()


def test_the_published_codes_are_the_default():
    loss = Info()
    assert type(loss.method) is AC
    assert loss.sizes == CodeSizes(discrete=1, categories=10, continuous=2)
    assert (loss.discrete_weight, loss.continuous_weight) == (0.1, 1.0)


def test_outputs_without_their_z_raise_and_say_how_to_add_it():
    loss, head = built('Info(Unconditional)')
    real = judged(head)
    message = r'Info needs the z .*output\._replace\(z=z\)'
    with pytest.raises(ValueError, match=message):
        loss.discriminator(real, judged(head))
    with pytest.raises(ValueError, match=message):
        loss.generator(judged(head), real)


def test_a_z_with_too_few_entries_for_the_codes_raises():
    loss, head = built('Info(Unconditional)')
    output = judged(head)._replace(z=torch.randn(4, 2))
    with pytest.raises(ValueError, match='z has 2 entries, the codes are read from 3'):
        loss.generator(output)


def test_no_codes_at_all_raise():
    with pytest.raises(ValueError, match='allowed: at least one code, of two or more'):
        Info(discrete=0, continuous=0)
