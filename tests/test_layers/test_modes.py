import pytest
from torch import nn

from reacgan_plugin.layers import evaluating, frozen


def test_frozen_parameters_ask_for_no_gradient_and_then_again():
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    module[0].requires_grad_(False)  # by its user
    with pytest.raises(KeyError), frozen(module):
        assert not any(p.requires_grad for p in module.parameters())
        raise KeyError
    assert [p.requires_grad for p in module.parameters()] == [False, False, True, True]


@pytest.mark.parametrize('training', [True, False])
def test_evaluation_mode_comes_back_from_an_exception(training):
    module = nn.Sequential(nn.BatchNorm1d(2)).train(training)
    with pytest.raises(KeyError), evaluating(module):
        assert not module[0].training
        raise KeyError
    assert module[0].training is training
