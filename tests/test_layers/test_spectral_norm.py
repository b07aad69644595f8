import warnings
from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from reacgan_plugin.layers import spectral_normalised

MODULES = {
    'conv': lambda: nn.Conv2d(3, 6, 3),
    'linear': lambda: nn.Linear(5, 7),
    'embedding': lambda: nn.Embedding(6, 4),
}


def by_the_old_hook(module, vectors):
    """The module under torch's older hook, from the same singular vectors."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the older one is deprecated
        module = nn.utils.spectral_norm(module, eps=1e-6)
    module.weight_u.copy_(vectors._u)
    module.weight_v.copy_(vectors._v)
    return module


def vectors_of(module):
    return module.parametrizations.weight[0]


def inputs(kind):
    if kind == 'embedding':
        return torch.tensor([0, 3, 3, 5])
    return torch.randn(4, 3, 5, 5) if kind == 'conv' else torch.randn(4, 5)


@pytest.mark.parametrize('kind', MODULES)
def test_the_largest_singular_value_tends_to_one(kind):
    module = MODULES[kind]()
    module.weight.data.normal_().mul_(3)
    spectral_normalised(module)
    for _ in range(300):
        weight = module.weight
    assert torch.linalg.svdvals(weight.flatten(1))[0].item() == pytest.approx(1)


@pytest.mark.parametrize('kind', MODULES)
def test_outputs_and_gradients_equal_those_of_the_old_hook(kind):
    module = MODULES[kind]()
    module.weight.data.mul_(4)
    old = deepcopy(module)
    new = spectral_normalised(module)
    old = by_the_old_hook(old, vectors_of(new))
    original = new.parametrizations.weight.original
    for _ in range(4):
        x = inputs(kind)
        output, expected = new(x), old(x)
        assert torch.allclose(output, expected, atol=1e-6)
        for result in (output, expected):
            result.square().sum().backward()
        assert torch.allclose(original.grad, old.weight_orig.grad, atol=1e-5)
        assert torch.allclose(vectors_of(new)._u, old.weight_u, atol=1e-6)
        assert torch.allclose(vectors_of(new)._v, old.weight_v, atol=1e-6)
        with torch.no_grad():  # a step, so that the vectors have something to follow
            for weight in (original, old.weight_orig):
                weight -= 0.1 * weight.grad
                weight.grad = None


def test_every_forward_in_training_mode_moves_the_vectors():
    module = spectral_normalised(nn.Linear(5, 7))
    before = deepcopy(module.state_dict())
    module(torch.randn(2, 5))
    after = module.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {'parametrizations.weight.0._u', 'parametrizations.weight.0._v'}


def test_evaluation_mode_leaves_the_vectors():
    module = spectral_normalised(nn.Linear(5, 7)).eval()
    before = deepcopy(module.state_dict())
    x = torch.randn(2, 5)
    assert torch.equal(module(x), module(x))
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_two_forwards_before_one_backward_give_the_sum_of_their_gradients():
    together = spectral_normalised(nn.Linear(5, 7))
    apart = deepcopy(together)
    first, second = torch.randn(2, 4, 5)
    (together(first).square().sum() + together(second).square().sum()).backward()
    apart(first).square().sum().backward()
    apart(second).square().sum().backward()
    expected = apart.parametrizations.weight.original.grad
    assert torch.allclose(together.parametrizations.weight.original.grad, expected)


def test_a_deep_copy_is_independent():
    module = spectral_normalised(nn.Linear(5, 7))
    copy = deepcopy(module)
    x = torch.randn(2, 5)
    expected = deepcopy(module).eval()(x)
    for _ in range(3):
        module(x)
    module.parametrizations.weight.original.data.zero_()
    assert torch.equal(copy.eval()(x), expected)


def test_the_state_dict_has_the_original_weight_and_the_vectors():
    module = spectral_normalised(nn.Linear(5, 7))
    shapes = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    assert shapes == {
        'bias': (7,),
        'parametrizations.weight.original': (7, 5),
        'parametrizations.weight.0._u': (7,),
        'parametrizations.weight.0._v': (5,),
    }
    assert [name for name, _ in module.named_parameters()] == [
        'bias',
        'parametrizations.weight.original',
    ]


def test_a_state_dict_gives_the_same_outputs():
    module = spectral_normalised(nn.Linear(5, 7))
    for _ in range(3):
        module(torch.randn(2, 5))
    other = spectral_normalised(nn.Linear(5, 7))
    other.load_state_dict(module.state_dict())
    x = torch.randn(2, 5)
    assert torch.equal(module(x), other(x))


def test_autocast_leaves_weight_and_vectors_in_float32():
    module = spectral_normalised(nn.Linear(5, 7))
    twin = deepcopy(module)
    with torch.autocast('cpu', torch.bfloat16):
        weight = module.weight
    assert weight.dtype == torch.float32
    assert torch.equal(weight, twin.weight)
    assert torch.equal(vectors_of(module)._u, vectors_of(twin)._u)
    with torch.autocast('cpu', torch.bfloat16):
        assert module(torch.randn(2, 5)).dtype == torch.bfloat16
    assert vectors_of(module)._u.dtype == torch.float32


def test_a_weight_read_twice_in_a_cached_forward_takes_one_iteration():
    module = spectral_normalised(nn.Linear(5, 7))
    once, twice = deepcopy(module), deepcopy(module)
    with parametrize.cached():
        assert module.weight is module.weight
    assert torch.equal(once.weight, module.eval().weight)
    assert torch.equal(vectors_of(module)._u, vectors_of(once)._u)
    for _ in range(2):
        twice.weight  # noqa: B018
    assert not torch.equal(vectors_of(module)._u, vectors_of(twice)._u)
