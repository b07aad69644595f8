import pytest
import torch
from torch import nn
from torch.nn import functional as F

from reacgan_plugin.layers import (
    ConditionalBatchNorm2d,
    batch_norm,
    untracked_statistics,
)

EPSILON = 1e-4


def plain(x):
    """Batch norm of a batch, channel by channel."""
    channels = [
        (c - c.mean()) / (c.var(unbiased=False) + EPSILON).sqrt() for c in x.unbind(1)
    ]
    return torch.stack(channels, dim=1)


def with_maps(gain, bias):
    """A conditional norm of three features, its two maps set."""
    layer = ConditionalBatchNorm2d(3, 2, spectral_norm=False)
    layer.gain.weight.data.copy_(gain)
    layer.bias.weight.data.copy_(bias)
    return layer


def test_zero_maps_leave_a_plain_batch_norm():
    """R17: the gain is one more than its map."""
    layer = with_maps(torch.zeros(3, 2), torch.zeros(3, 2))
    x = torch.randn(4, 3, 5, 5) * 2 + 1
    assert torch.allclose(layer(x, torch.randn(4, 2)), plain(x), atol=1e-5)


@pytest.mark.parametrize('spectral_norm', [True, False])
def test_a_fresh_layer_scales_by_one_on_average(spectral_norm):
    """R17: by what a condition adds to one, and not by that alone."""
    layer = ConditionalBatchNorm2d(64, 32, spectral_norm=spectral_norm)
    x = torch.randn(500, 64, 2, 2)
    output = layer(x, torch.randn(500, 32))
    scale = (output * plain(x)).mean() / plain(x).square().mean()
    assert scale.item() == pytest.approx(1, abs=0.05)


def test_every_sample_gets_the_gain_and_bias_of_its_own_condition():
    gain, bias = torch.randn(2, 3, 2)
    x, condition = torch.randn(4, 3, 5, 5), torch.randn(4, 2)
    output = with_maps(gain, bias)(x, condition)
    for n in range(4):
        for c in range(3):
            expected = plain(x)[n, c] * (1 + gain[c] @ condition[n])
            expected = expected + bias[c] @ condition[n]
            assert torch.allclose(output[n, c], expected, atol=1e-5)


def test_evaluation_uses_running_statistics_with_the_published_epsilon():
    layer = with_maps(torch.zeros(3, 2), torch.zeros(3, 2)).eval()
    layer.norm.running_mean.copy_(torch.tensor([1.0, 2.0, 3.0]))
    layer.norm.running_var.copy_(torch.tensor([0.0, 1.0, 4.0]))
    x = torch.randn(1, 3, 2, 2)
    mean = layer.norm.running_mean[:, None, None]
    variance = layer.norm.running_var[:, None, None]
    expected = (x - mean) / (variance + EPSILON).sqrt()
    assert torch.allclose(layer(x, torch.randn(1, 2)), expected, rtol=1e-4)


@pytest.mark.parametrize('spectral_norm', [True, False])
def test_spectral_norm_is_on_both_maps_or_on_none(spectral_norm):
    layer = ConditionalBatchNorm2d(3, 2, spectral_norm=spectral_norm)
    for linear in (layer.gain, layer.bias):
        assert hasattr(linear, 'parametrizations') is spectral_norm
        assert linear.bias is None
    assert list(layer.norm.parameters()) == []


def network():
    return nn.Sequential(batch_norm(3), nn.Conv2d(3, 3, 1), batch_norm(3))


def test_untracked_statistics_stay_while_the_batch_still_normalises():
    tracked = network()
    x = torch.randn(4, 3, 5, 5) + 2
    buffers = {name: b.clone() for name, b in tracked.named_buffers()}
    with untracked_statistics(tracked):
        output = tracked(x)
    for name, buffer in tracked.named_buffers():
        assert torch.equal(buffer, buffers[name]), name
    assert torch.equal(output, tracked(x))
    for name, buffer in tracked.named_buffers():
        assert not torch.equal(buffer, buffers[name]), name


def test_untracked_statistics_are_those_of_evaluation_mode_too():
    x = torch.randn(4, 3, 5, 5) + 2
    tracked = network()
    tracked(x)
    tracked.eval()
    with untracked_statistics(tracked):
        output = tracked(x)
    assert torch.equal(output, tracked(x))


def test_norms_track_again_after_an_exception():
    tracked = network()
    with pytest.raises(KeyError), untracked_statistics(tracked):
        assert not any(tracked[i].track_running_stats for i in (0, 2))
        raise KeyError
    assert all(tracked[i].track_running_stats for i in (0, 2))


def test_a_norm_that_never_tracked_does_not_begin_to():
    never = nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False), batch_norm(3))
    with untracked_statistics(never):
        pass
    assert [norm.track_running_stats for norm in never] == [False, True]


def test_an_untracked_norm_equals_functional_batch_norm():
    norm = batch_norm(3)
    x = torch.randn(4, 3, 5, 5)
    with untracked_statistics(norm):
        expected = F.batch_norm(x, None, None, training=True, eps=EPSILON)
        assert torch.allclose(norm(x), expected)
