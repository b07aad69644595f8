from operator import attrgetter

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from reacgan_plugin.layers import spectral_normalised
from reacgan_plugin.layers.spectral_walk import apply_spectral_norm


def network():
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(6, 4, 2, stride=2)),
        nn.Flatten(),
        nn.Linear(4 * 4 * 4, 5),
    )


def normalised(module):
    """Names of modules under a parametrization."""
    return {
        name for name, m in module.named_modules() if parametrize.is_parametrized(m)
    }


def test_every_convolution_and_linear_map_is_normalised_once():
    module = network()
    assert apply_spectral_norm(module) == 3
    assert normalised(module) == {'0', '2.1', '4'}
    assert module(torch.randn(2, 3, 2, 2)).shape == (2, 5)
    with pytest.raises(ValueError, match='Sequential has no .* not normalised already'):
        apply_spectral_norm(module)


LAYERS = [
    nn.Linear(4, 6),
    nn.Conv1d(4, 6, 3),
    nn.Conv2d(4, 6, (1, 3)),
    nn.Conv2d(4, 8, 3, groups=2),
    nn.Conv3d(2, 3, 2),
]


@pytest.mark.parametrize('layer', LAYERS, ids=repr)
def test_the_largest_singular_value_tends_to_one(layer):
    layer.weight.data.normal_().mul_(3)
    assert apply_spectral_norm(layer) == 1
    for _ in range(300):
        weight = layer.weight
    assert torch.linalg.svdvals(weight.flatten(1))[0].item() == pytest.approx(1)


@pytest.mark.parametrize(
    'layer', [nn.ConvTranspose2d(4, 6, 3), nn.ConvTranspose1d(4, 6, 2)], ids=repr
)
def test_outputs_make_the_rows_of_a_transposed_convolution_too(layer):
    layer.weight.data.normal_().mul_(3)
    apply_spectral_norm(layer)
    for _ in range(300):
        weight = layer.weight
    assert weight.shape[:2] == (4, 6)
    rows = weight.transpose(0, 1).flatten(1)
    assert torch.linalg.svdvals(rows)[0].item() == pytest.approx(1)
    vectors = layer.parametrizations.weight[0]
    assert vectors._u.shape == (6,)


def test_what_is_normalised_already_stays_as_it_is():
    module = nn.Sequential(
        spectral_normalised(nn.Linear(3, 3)),
        parametrizations.spectral_norm(nn.Linear(3, 3)),
        nn.utils.spectral_norm(nn.Linear(3, 3)),  # torch's older hook
        nn.Linear(3, 3),
    )
    names = set(module.state_dict())
    assert apply_spectral_norm(module) == 1
    assert {name for name in names if not name.startswith('3.')} == {
        name for name in module.state_dict() if not name.startswith('3.')
    }
    module(torch.randn(2, 3)).sum().backward()


ATTENTION = {  # and how many weights it has
    'one width': (dict(), 2),
    'batch first': (dict(batch_first=True), 2),
    'other widths of keys and values': (dict(kdim=8, vdim=8), 2),
    'widths of their own': (dict(kdim=6, vdim=4), 4),
}


@pytest.mark.parametrize('kind', ATTENTION)
def test_maps_of_an_attention_are_normalised(kind):
    settings, count = ATTENTION[kind]
    layer = nn.MultiheadAttention(8, 2, **settings)
    for parameter in layer.parameters():
        if parameter.ndim == 2:
            parameter.data.normal_().mul_(3)
    assert apply_spectral_norm(layer) == count
    query, key, value = (
        torch.randn(3, 5, width) for width in (8, layer.kdim, layer.vdim)
    )
    for _ in range(300):
        found, _ = layer(query, key, value)
    found.square().sum().backward()
    assert all(p.grad is not None for p in layer.parameters())
    parts = [layer, layer.out_proj]
    weights = [getattr(m, n) for m in parts for n in m.parametrizations]
    assert len(weights) == count
    for weight in weights:
        assert torch.linalg.svdvals(weight)[0].item() == pytest.approx(1)


def test_the_fast_path_of_a_normalised_attention_gives_the_same():
    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    plain = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    apply_spectral_norm(layer)
    layer.eval()
    for name in ('in_proj_weight', 'in_proj_bias', 'out_proj.weight', 'out_proj.bias'):
        plain.get_parameter(name).data = attrgetter(name)(layer).detach()
    x = torch.randn(3, 5, 8)
    with torch.no_grad():  # where torch takes the fast path
        fast, expected = layer(x, x, x)[0], plain(x, x, x)[0]
    assert torch.allclose(fast, expected, atol=1e-6)
    assert torch.allclose(layer(x, x, x)[0], expected, atol=1e-6)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_weights_in_half_precision_raise_and_nothing_is_changed(dtype):
    module = network()
    module[4].to(dtype)
    message = f"spectral_norm: '4.weight' is {dtype}; allowed: torch.float32"
    with pytest.raises(ValueError, match=message):
        apply_spectral_norm(module)
    assert not normalised(module)


def test_weights_in_double_precision_are_normalised():
    assert apply_spectral_norm(network().double()) == 3


@pytest.mark.parametrize('layer', [nn.LazyLinear(3), nn.LazyConv2d(3, 2)], ids=repr)
def test_a_lazy_layer_must_have_run_before(layer):
    module = nn.Sequential(nn.Conv2d(3, 4, 3), layer)
    with pytest.raises(ValueError, match="'1.weight' has no shape yet.* run the net"):
        apply_spectral_norm(module)
    assert not normalised(module)


def test_a_weight_that_is_not_trained_stays_as_it_is():
    module = network()
    module[0].weight.requires_grad_(False)
    assert apply_spectral_norm(module) == 2
    assert normalised(module) == {'2.1', '4'}


@pytest.mark.parametrize(
    'module', [nn.BatchNorm2d(3), nn.Linear(3, 3).requires_grad_(False)], ids=repr
)
def test_nothing_to_normalise_raises(module):
    with pytest.raises(ValueError, match='has no convolution or linear map'):
        apply_spectral_norm(module)


def test_a_layer_that_occurs_twice_is_normalised_once():
    layer = nn.Linear(3, 3)
    module = nn.Sequential(layer, nn.ReLU(), layer)
    assert apply_spectral_norm(module) == 1
    assert len(layer.parametrizations.weight) == 1
