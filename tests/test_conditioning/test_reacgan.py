import pytest
import torch

from reacgan_plugin.conditioning import D2DCELoss, HypersphereHead, reacgan
from reacgan_plugin.functional import d2d_cross_entropy

LABEL = torch.tensor([0, 1, 2, 1])


def head(**options):
    return HypersphereHead(6, 3, embed_dim=5, **options)


def output():
    return head()(3 * torch.randn(4, 6), LABEL)


def test_embeddings_and_proxies_are_unit_rows_in_float32():
    with torch.autocast('cpu', torch.bfloat16):
        result = head()(3 * torch.randn(4, 6), LABEL)
    for rows in (result.embedding, result.proxy):
        assert rows.shape == (4, 5)
        assert rows.dtype == torch.float32
        assert torch.allclose(rows.norm(dim=1), torch.ones(4))
    assert result.class_logits is None


def test_every_sample_is_given_the_proxy_of_its_own_class():
    own = head(spectral_norm=False)
    proxies = 2 * torch.randn(3, 5)
    own.proxies.weight.data.copy_(proxies)
    rows = own(torch.randn(4, 6), LABEL).proxy
    for row, label in zip(rows, LABEL, strict=True):
        assert torch.allclose(row, proxies[label] / proxies[label].norm())


def test_the_logit_does_not_depend_on_the_label():
    own = head().eval()
    features = torch.randn(4, 6)
    other = own(features, (LABEL + 1) % 3)
    assert torch.equal(other.logits, own(features, LABEL).logits)


@pytest.mark.parametrize('formula', ['paper', 'studiogan'])
def test_the_term_is_the_weighted_function_of_the_heads_output(formula):
    options = dict(margin=0.9, temperature=0.25, formula=formula)
    loss = D2DCELoss(loss_weight=0.7, **options)
    result = output()
    expected = 0.7 * d2d_cross_entropy(result.embedding, result.proxy, LABEL, **options)
    assert torch.isclose(loss.terms(result)['loss_conditioning'], expected)
    plain = loss(result.embedding, result.proxy, LABEL)
    assert torch.isclose(plain, expected)


@pytest.mark.parametrize(
    'gather, group, uneven',
    [
        (True, 'all processes', False),
        ('uneven', 'all processes', True),
        (False, None, False),
    ],
)
def test_the_block_size_and_the_group_reach_the_function(
    monkeypatch, gather, group, uneven
):
    given = {}

    def recorded(*rows, **options):
        given.update(options)
        return torch.zeros(())

    monkeypatch.setattr(reacgan, 'd2d_cross_entropy', recorded)
    monkeypatch.setattr(reacgan, 'default_group', lambda: 'all processes')
    D2DCELoss(block_size=2, gather=gather).terms(output())
    assert given['block_size'] == 2
    assert (given['group'], given['uneven']) == (group, uneven)


def test_defaults_are_those_of_the_paper_on_cifar10():
    result = output()
    expected = d2d_cross_entropy(
        result.embedding, result.proxy, LABEL, margin=0.98, temperature=0.5
    )
    term = D2DCELoss().terms(result)['loss_conditioning']
    assert torch.isclose(term, 0.5 * expected)
    assert D2DCELoss().build_head(6, 3).projection.linear.out_features == 512


def test_the_loss_hands_its_options_to_the_head():
    built = D2DCELoss(embed_dim=5, spectral_norm=False).build_head(6, 3)
    assert type(built) is HypersphereHead
    assert built.proxies.weight.shape == (3, 5)
    assert built.projection.linear.weight.shape == (5, 6)
    assert not hasattr(built.adversarial, 'parametrizations')


def test_without_a_process_group_gathering_changes_nothing():
    result = output()
    gathered, own = (
        D2DCELoss(gather=gather).terms(result)['loss_conditioning']
        for gather in (True, False)
    )
    assert torch.equal(gathered, own)


def test_its_settings_are_printed():
    printed = repr(D2DCELoss(margin=0.9, temperature=0.25))
    assert printed == (
        "D2DCELoss(margin=0.9, temperature=0.25, loss_weight=0.5, formula='paper')"
    )


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(margin=0.0), r'margin=0\.0 is out of range; allowed: \(0, 1\]'),
        (dict(margin=1.5), r'margin=1\.5 is out of range; allowed: \(0, 1\]'),
        (dict(margin=float('nan')), 'margin=nan is out of range'),
        (dict(temperature=0.0), r'temperature=0\.0 is out of range; allowed: above 0'),
        (dict(temperature=-1), 'temperature=-1 is out of range'),
        (dict(block_size=0), r"block_size=0.*1 or more, 'auto' or None"),
        (dict(gather='local'), r"gather='local'.*allowed: True, False, 'uneven'"),
        (dict(formula='papre'), r"'papre'.*allowed: 'paper'.*did you mean 'paper'\?"),
        (dict(formula='StudioGAN'), r"did you mean 'studiogan'\?"),
    ],
)
def test_wrong_options_raise_when_the_loss_is_built(options, message):
    with pytest.raises(ValueError, match=message):
        D2DCELoss(**options)


def test_a_head_with_a_judge_of_its_own_does_not_say_that_proxies_are_of_classes():
    class Other(HypersphereHead):
        def judge(self, output, fake):
            return super().judge(output, fake)

    assert HypersphereHead(4, 3, embed_dim=2).class_proxies
    assert not Other(4, 3, embed_dim=2).class_proxies
