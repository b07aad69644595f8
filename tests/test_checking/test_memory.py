import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from tiny_gan import CLASSES, NETWORKS, SIZE, biggan, optimizers, plain_gan
from torch import nn

from reacgan_plugin.checking.memory import Held, estimated_memory

MEGABYTE = 2**20


def items(size=SIZE):
    return [dict(image=torch.rand(3, size, size), label=n % CLASSES) for n in range(5)]


def wide(rows):
    return torch.zeros(rows, MEGABYTE // 4, requires_grad=True)


def test_what_a_backward_pass_waits_for_counts_at_its_largest():
    with Held([]) as held:
        for rows in (1, 3, 2):
            wide(rows).exp().sum().backward()  # which keeps its output
    assert held.most == 3 * MEGABYTE
    assert held.now == 0


def test_a_storage_that_several_operations_keep_counts_once():
    x = wide(1)
    with Held([]) as held:
        y = x.exp()
        total = (y.square().sum() + y.view(2, -1).cos().sum()) + (y * y).sum()
    assert held.most == held.now == MEGABYTE
    total.backward()
    assert held.now == 0


def test_weights_are_counted_apart():
    layer = nn.Linear(256, 256, bias=False)
    x = torch.zeros(1, 256, requires_grad=True)
    with Held(layer.parameters()) as held:
        layer(x).sum()
    assert held.most == x.nbytes


def test_gradients_are_those_without_counting():
    x = torch.rand(5, requires_grad=True)
    with Held([]):
        (first,) = torch.autograd.grad(x.exp().square().sum(), x, create_graph=True)
        first.square().sum().backward()
    found, x.grad = x.grad, None
    (first,) = torch.autograd.grad(x.exp().square().sum(), x, create_graph=True)
    first.square().sum().backward()
    assert torch.equal(found, x.grad)


def test_each_part_of_the_memory_is_that_of_the_model():
    model = plain_gan(ema=dict(decay=0.9))
    adam = OptimWrapperDict(
        **{
            name: OptimWrapper(torch.optim.Adam(_weights(model, name)))
            for name in NETWORKS
        }
    )
    found = estimated_memory(model, adam, items(), micro_batch=4)
    weights = sum(p.nbytes for name in NETWORKS for p in _weights(model, name))
    assert found.networks == found.gradients == weights
    assert 2 * weights <= found.optimizers < 2.1 * weights  # and counts of steps
    assert found.average == sum(p.nbytes for p in _weights(model, 'generator'))
    assert found.total == sum(found)


@pytest.mark.parametrize('micro_batch', [1, 16])
def test_activations_are_those_of_a_step_of_the_micro_batch(micro_batch):
    model = biggan(d_updates=2, accumulation=2)
    found = estimated_memory(model, optimizers(model), items(32), micro_batch)
    model = biggan()
    batch = dict(
        image=torch.rand(micro_batch, 3, 32, 32),
        label=torch.arange(micro_batch) % CLASSES,
    )
    state = [*model.parameters(), *model.buffers()]
    with Held(state) as held:
        model.train_step(batch, optimizers(model))
    assert found.activations == pytest.approx(held.most, rel=0.05)


def _weights(model, name):
    return getattr(model, name).parameters()
