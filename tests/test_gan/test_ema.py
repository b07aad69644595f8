from copy import deepcopy

import pytest
import torch
from torch import nn

from reacgan_plugin.gan.ema import averaged_copy, ema_settings, update_average
from reacgan_plugin.layers import conv2d, linear


def network():
    """Parameters, float buffers of two kinds and an integer one."""
    return nn.Sequential(conv2d(2, 3, 3), nn.BatchNorm2d(3))


def trained(module):
    """The module with everything in it moved."""
    module = deepcopy(module)
    for tensor in (*module.parameters(), *module.buffers()):
        moved = torch.randn(tensor.shape) if tensor.is_floating_point() else tensor + 7
        tensor.data.copy_(moved)
    return module


@pytest.mark.parametrize('decay', [0.9, 0.999])
def test_the_average_moves_by_the_formula_in_parameters_and_float_buffers(decay):
    module = network()
    average = averaged_copy(module)
    expected = deepcopy(average.state_dict())
    for _ in range(3):
        module = trained(module)
        update_average(average, module, decay)
        for name, value in module.state_dict().items():
            if name.endswith(('_u', '_v')):  # singular vectors are copied
                expected[name] = value
            elif value.is_floating_point():
                expected[name] = decay * expected[name] + (1 - decay) * value
    moved = [name for name, value in expected.items() if value.is_floating_point()]
    assert len(moved) == 8  # two weights and biases, two statistics, two vectors
    for name in moved:
        assert torch.allclose(average.state_dict()[name], expected[name], atol=1e-6)


def test_integer_buffers_are_copied():
    module = network()
    average = averaged_copy(module)
    update_average(average, trained(module), 0.999)
    assert average[1].num_batches_tracked == 7


def test_decay_zero_copies_to_the_bit():
    average = averaged_copy(network())
    module = trained(network())
    update_average(average, module, 0.0)
    for name, value in module.state_dict().items():
        assert torch.equal(average.state_dict()[name], value), name


def test_decay_one_stays():
    average = averaged_copy(network())
    before = [p.clone() for p in average.parameters()]
    update_average(average, trained(network()), 1.0)
    for parameter, expected in zip(average.parameters(), before, strict=True):
        assert torch.equal(parameter, expected)


def test_the_copy_is_frozen_and_evaluates():
    module = network()
    average = averaged_copy(module)
    assert not any(p.requires_grad for p in average.parameters())
    assert not any(m.training for m in average.modules())
    assert all(p.requires_grad for p in module.parameters())
    assert all(m.training for m in module.modules())


def test_the_copy_starts_equal_and_shares_nothing():
    module = network()
    average = averaged_copy(module)
    before = deepcopy(average.state_dict())
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.data.zero_()
    for name, value in average.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_the_average_leaves_the_module_alone():
    average, module = averaged_copy(network()), network()
    before = deepcopy(module.state_dict())
    module[0](torch.randn(1, 2, 4, 4)).sum().backward()
    update_average(average, module, 0.5)
    assert all(p.grad is None for p in average.parameters())
    for name, parameter in module.named_parameters():
        assert torch.equal(parameter, before[name]), name


def test_networks_of_other_shapes_are_not_averaged():
    with pytest.raises(ValueError):
        update_average(averaged_copy(network()), nn.Linear(2, 3), 0.5)


def test_half_of_a_weight_is_forgotten_after_the_half_life():
    average = ema_settings(dict(half_life=0.64))  # thousands of images
    assert average.decay_at(10**6, batch=64) ** 10 == pytest.approx(0.5)
    assert average.decay_at(10**6, batch=128) ** 5 == pytest.approx(0.5)


def test_a_ramp_shortens_the_half_life_while_few_images_are_seen():
    average = ema_settings(dict(half_life=500, ramp_up=0.05))
    early = average.decay_at(100, batch=64)  # 6,400 images seen: a half-life of 320
    assert early ** (320 / 64) == pytest.approx(0.5)
    late = average.decay_at(10**7, batch=64)
    assert late == pytest.approx(0.5 ** (64 / 500_000))


def test_a_ramp_starts_from_a_copy():
    assert ema_settings(dict(half_life=500, ramp_up=0.05)).decay_at(0, batch=64) == 0


def test_buffers_may_be_copied():
    module = network()
    average = averaged_copy(module)
    module = trained(module)
    update_average(average, module, 0.9, copy_buffers=True)
    for name, value in module.named_buffers():
        assert torch.equal(average.get_buffer(name), value), name
    weights = zip(average.parameters(), module.parameters(), strict=True)
    assert not any(torch.equal(*pair) for pair in weights)


@pytest.mark.parametrize('settings', [dict(decay=0.9), dict(half_life=1.0)])
def test_the_average_is_a_copy_until_its_start(settings):
    average = ema_settings(dict(start=5, **settings))
    assert average.decay_at(4, batch=64) == 0
    assert average.decay_at(5, batch=64) > 0


@pytest.mark.parametrize(
    'settings, message',
    [
        (dict(decays=0.9), "decays.*did you mean 'decay'"),
        (dict(decay=1.5), r'model\.ema\.decay=1\.5'),
        (dict(half_life=0), r'model\.ema\.half_life=0'),
        (dict(half_life=10, decay=0.9), 'decay and half_life'),
        (dict(ramp_up=0.05), 'ramp_up shortens half_life'),
    ],
)
def test_settings_of_an_average_that_are_not_allowed_raise(settings, message):
    with pytest.raises(ValueError, match=message):
        ema_settings(settings)


def test_no_settings_are_no_average():
    assert ema_settings(None) is None


def test_an_average_keeps_the_largest_singular_values_of_normalised_weights():
    torch.manual_seed(0)
    layer = linear(6, 6)
    average = averaged_copy(layer)
    for _ in range(50):  # vectors turn from step to step
        with torch.no_grad():
            layer.parametrizations.weight.original.copy_(torch.randn(6, 6))
        for _ in range(20):
            layer(torch.ones(1, 6))
        update_average(average, layer, 0.9)
    for name, value in layer.named_buffers():
        assert torch.equal(average.get_buffer(name), value), name
        assert value.norm() == pytest.approx(1, abs=1e-5)
    raw = 'parametrizations.weight.original'
    assert not torch.equal(average.get_parameter(raw), layer.get_parameter(raw))
