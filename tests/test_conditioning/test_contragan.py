import pytest
import torch

from reacgan_plugin.conditioning import (
    ConditionalContrastiveLoss,
    HypersphereHead,
    contragan,
    reacgan,
)
from reacgan_plugin.functional import conditional_contrastive

LABEL = torch.tensor([0, 1, 2, 1])


def output():
    return HypersphereHead(6, 3, embed_dim=5)(3 * torch.randn(4, 6), LABEL)


def test_the_term_is_the_weighted_function_of_the_heads_output():
    loss = ConditionalContrastiveLoss(temperature=0.25, loss_weight=0.7)
    result = output()
    expected = 0.7 * conditional_contrastive(
        result.embedding, result.proxy, LABEL, temperature=0.25
    )
    assert torch.isclose(loss.terms(result)['loss_conditioning'], expected)
    plain = loss(result.embedding, result.proxy, LABEL)
    assert torch.isclose(plain, expected)


def test_the_default_weight_and_temperature_are_one():
    result = output()
    expected = conditional_contrastive(
        result.embedding, result.proxy, LABEL, temperature=1.0
    )
    term = ConditionalContrastiveLoss().terms(result)['loss_conditioning']
    assert torch.isclose(term, expected)


def test_the_block_size_and_the_group_reach_the_function(monkeypatch):
    given = {}

    def recorded(*rows, **options):
        given.update(options)
        return torch.zeros(())

    monkeypatch.setattr(contragan, 'conditional_contrastive', recorded)
    monkeypatch.setattr(reacgan, 'default_group', lambda: 'all processes')
    options = dict(block_size='auto', gather='uneven')
    ConditionalContrastiveLoss(**options).terms(output())
    assert given['block_size'] == 'auto'
    assert (given['group'], given['uneven']) == ('all processes', True)


def test_it_shares_the_hypersphere_head():
    options = dict(embed_dim=5, spectral_norm=False)
    built = ConditionalContrastiveLoss(**options).build_head(6, 3)
    assert type(built) is HypersphereHead
    assert built.proxies.weight.shape == (3, 5)
    assert not hasattr(built.proxies, 'parametrizations')


@pytest.mark.parametrize('temperature', [0.0, -0.5, float('nan')])
def test_a_temperature_that_is_not_positive_raises(temperature):
    with pytest.raises(ValueError, match='temperature=.* allowed: above 0'):
        ConditionalContrastiveLoss(temperature=temperature)


def test_a_margin_is_not_among_its_options():
    with pytest.raises(TypeError, match='margin'):
        ConditionalContrastiveLoss(margin=0.98)
