import pytest
import torch

from reacgan_plugin.gan.terms import mean, merged, total


def test_terms_of_several_parts_stand_side_by_side():
    assert merged({'loss_a': 1}, {}, {'loss_b': 2}) == {'loss_a': 1, 'loss_b': 2}


def test_a_name_in_two_parts_raises_instead_of_losing_one():
    with pytest.raises(ValueError, match="term 'loss_penalty'"):
        merged({'loss_penalty': 1}, {'loss_penalty': 100})


def test_only_losses_are_summed():
    assert total({'loss_a': 1, 'logit_real': 10, 'loss': 2}) == 3


def test_means_over_micro_batches_are_detached():
    values = [torch.tensor(v, requires_grad=True) for v in (1.0, 3.0)]
    result = mean([{'loss': v} for v in values])
    assert result['loss'].item() == 2.0
    assert not result['loss'].requires_grad
