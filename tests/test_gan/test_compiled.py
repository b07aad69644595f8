from copy import deepcopy

import pytest
import torch
from tiny_gan import batch, changed, gradients, optimizers, plain_gan, state
from torch import nn
from torch.nn.utils import parametrize

from reacgan_plugin.conditioning import D2DCELoss
from reacgan_plugin.gan.compiled import compile_network, eager
from reacgan_plugin.layers import spectral_normalised
from reacgan_plugin.techniques import R1


class Calls:
    """A backend that runs what it is given, and counts graphs and calls."""

    def __init__(self):
        self.graphs = self.calls = 0

    def __call__(self, graph, inputs):
        self.graphs += 1

        def run(*args):
            self.calls += 1
            return graph(*args)

        return run


def unsupported(graph, inputs):
    raise NotImplementedError('no kernel for it\nand many more lines')


@pytest.fixture(autouse=True)
def forgotten():
    """Compiled code of one test is not found by the next."""
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def normalised_gan(**options):
    """Spectral norm in backbone and head, so that a pass writes into buffers."""
    model = plain_gan(D2DCELoss(embed_dim=5), **options)
    spectral_normalised(model.discriminator.backbone.conv)
    return model


def compile_both(model, **options):
    for name in ('generator', 'discriminator'):
        compile_network(getattr(model, name), options, name=name)


def assert_three_iterations_agree(compiled, plain):
    ours, theirs = optimizers(compiled), optimizers(plain)
    for _ in range(3):
        found, expected = (
            model.train_step(batch(), wrappers)
            for model, wrappers in ((compiled, ours), (plain, theirs))
        )
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-5)
        for name in ('generator', 'discriminator'):
            pair = (gradients(getattr(model, name)) for model in (compiled, plain))
            torch.testing.assert_close(*pair, rtol=1e-4, atol=1e-5)
    # singular vectors too: the compiled passes iterated as often
    torch.testing.assert_close(state(compiled), state(plain), rtol=1e-4, atol=1e-5)


def assert_compiled_steps_agree(backend):
    plain = normalised_gan(ema=dict(decay=0.9), techniques=[R1(interval=2)]).train()
    compiled = deepcopy(plain)
    compile_both(compiled, backend=backend)
    assert_three_iterations_agree(compiled, plain)


def test_compiled_networks_train_as_their_own_code_does():
    assert_compiled_steps_agree('aot_eager')


@pytest.mark.slow
def test_networks_compiled_by_inductor_train_as_their_own_code_does():
    assert_compiled_steps_agree('inductor')


def test_a_network_is_one_graph_a_pass_and_names_stay():
    model, backend = normalised_gan().train(), Calls()
    names = list(model.state_dict())
    compile_both(model, backend=backend)
    assert list(model.state_dict()) == names
    model.train_step(batch(), optimizers(model))
    first = backend.graphs
    assert backend.calls == 5  # fakes twice, real and fake, what the generator earns
    model.train_step(batch(), optimizers(model))
    assert (backend.graphs, backend.calls) == (first, 10)


@pytest.mark.parametrize('passes', [1, 2])
def test_a_compiled_pass_takes_one_power_iteration(passes):
    plain = spectral_normalised(nn.Linear(5, 7))
    compiled = deepcopy(plain)
    compile_network(compiled, dict(backend='eager'), name='layer')
    x = torch.randn(2, 5)
    for _ in range(passes):
        before = state(compiled)
        with parametrize.cached():
            compiled(x)
        plain(x)
        assert len(changed(before, compiled)) == 2
    torch.testing.assert_close(state(compiled), state(plain))


def test_a_copy_such_as_the_average_runs_its_own_code():
    network, backend = nn.Linear(2, 2), Calls()
    compile_network(network, dict(backend=backend), name='network')
    deepcopy(network)(torch.zeros(1, 2))
    assert backend.calls == 0
    network(torch.zeros(1, 2))
    assert backend.calls == 1


def test_a_network_is_eager_for_a_while_and_compiled_again_after_an_exception():
    inner, backend = nn.Linear(2, 2), Calls()
    outer = nn.Sequential(inner)
    compile_network(inner, dict(backend=backend), name='inner')
    with pytest.raises(KeyError), eager(outer):
        outer(torch.zeros(1, 2))
        raise KeyError
    assert backend.calls == 0
    outer(torch.zeros(1, 2))
    assert backend.calls == 1


def slope_at(network, x):
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(network(x).sum(), x, create_graph=True)
    return slope


def test_only_an_eager_pass_can_be_differentiated_twice():
    network, x = nn.Sequential(nn.Linear(2, 2), nn.Tanh()), torch.ones(1, 2)
    compile_network(network, dict(backend='aot_eager'), name='network')
    with pytest.raises(RuntimeError, match='double backward'):
        slope_at(network, x).square().sum().backward()
    with eager(network):
        slope = slope_at(network, x)
    slope.square().sum().backward()
    assert network[0].weight.grad.abs().sum() > 0


def test_a_network_that_cannot_be_compiled_runs_its_own_code_after_one_warning():
    network, warnings = nn.Linear(2, 3), []
    expected = network(torch.ones(1, 2))
    options = dict(backend=unsupported)
    compile_network(network, options, name='generator', warn=warnings.append)
    for _ in range(2):
        assert torch.equal(network(torch.ones(1, 2)), expected)
    (warning,) = warnings
    assert 'model.compile: the generator cannot be compiled' in warning
    assert 'no kernel for it' in warning
    assert '\n' not in warning


def test_training_goes_on_where_nothing_can_be_compiled():
    plain = normalised_gan(techniques=[R1()]).train()
    compiled = deepcopy(plain)
    with pytest.warns(UserWarning, match='cannot be compiled') as warnings:
        compile_both(compiled, backend=unsupported)
        assert_three_iterations_agree(compiled, plain)
    assert len(warnings) == 2  # one a network


class Picky(nn.Module):
    def forward(self, x):
        if x.ndim != 2:
            raise ValueError('two dimensions, please')
        return 2 * x


def test_an_error_of_the_network_itself_stays_what_it_is():
    network, warnings = Picky(), []
    compile_network(network, dict(backend='eager'), name='it', warn=warnings.append)
    with pytest.raises(ValueError, match='two dimensions, please'):
        network(torch.zeros(3))
    assert torch.equal(network(torch.ones(1, 2)), torch.full((1, 2), 2.0))
    assert warnings == []


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(mod='default'), r"option='mod' .*did you mean 'mode'"),
        (dict(mode='reduce_overhead'), r"\.mode='reduce_overhead' .*'reduce-overhead'"),
        (dict(backend='inducter'), r"\.backend='inducter' .*did you mean 'inductor'"),
        (dict(mode='default', options={'a': 1}), 'mode and options; allowed: one'),
    ],
)
def test_options_that_torch_does_not_know_raise(options, message):
    network = nn.Linear(2, 2)
    with pytest.raises(ValueError, match=f'model.compile.*{message}'):
        compile_network(network, options, name='network')
    assert network._compiled_call_impl is None


def test_torchs_own_options_are_passed_on(monkeypatch):
    given = {}
    monkeypatch.setattr(torch, 'compile', lambda call, **options: given.update(options))
    compile_network(nn.Linear(2, 2), dict(mode='default', dynamic=False), name='it')
    assert given == dict(mode='default', dynamic=False)
