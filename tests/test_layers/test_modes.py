import pytest
import torch
from torch import nn

from reacgan_plugin.layers import (
    evaluating,
    frozen,
    spectral_normalised,
    untracked_statistics,
)
from reacgan_plugin.layers.modes import settled


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


class Average(nn.Module):
    """A running average that is no batch norm."""

    def __init__(self, track):
        super().__init__()
        self.track_running_stats = track


@pytest.mark.parametrize('track', [True, False, None])
def test_statistics_are_tracked_again_only_where_they_were(track):
    module = nn.Sequential(Average(track), nn.Linear(2, 2))
    with pytest.raises(KeyError), untracked_statistics(module):
        assert module[0].track_running_stats in (False, None)
        raise KeyError
    assert module[0].track_running_stats is track


def test_an_untracked_batch_norm_normalises_by_the_batch():
    norm = nn.BatchNorm1d(2, affine=False)
    x = 5 + torch.randn(8, 2)
    with untracked_statistics(norm):
        y = norm(x)
    assert torch.allclose(y.mean(0), torch.zeros(2), atol=1e-5)
    assert torch.equal(norm.running_mean, torch.zeros(2))


def test_modules_in_evaluation_mode_are_left_alone():
    module = Average(True).eval()
    with untracked_statistics(module):
        assert module.track_running_stats is True


def test_a_settled_module_takes_no_power_iteration_and_then_again():
    module = nn.Sequential(spectral_normalised(nn.Linear(5, 5)), nn.BatchNorm1d(5))
    vector = module[0].parametrizations.weight[0]._u
    x = torch.randn(4, 5)
    before = vector.clone()
    with pytest.raises(KeyError), settled(module):
        module(x)
        assert torch.equal(vector, before)
        assert module[1].training  # a batch norm is in its mode still
        raise KeyError
    module(x)
    assert not torch.equal(vector, before)


def test_a_settled_module_in_evaluation_mode_stays_there():
    module = spectral_normalised(nn.Linear(2, 2)).eval()
    with settled(module):
        pass
    assert not any(part.training for part in module.modules())
