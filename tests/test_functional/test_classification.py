import pytest
import torch
from golden_files import load, names, relative_error
from torch.autograd import gradcheck
from torch.nn import functional as F

from reacgan_plugin.functional import (
    class_cross_entropy,
    feature_matching,
    multi_hinge,
)

DTYPES = [torch.float32, torch.float64]
GOLDEN = names('losses_multihinge_*')


def leaf(tensor, dtype):
    return tensor.to(dtype, copy=True).requires_grad_()


def batch(n=6, width=4, dtype=torch.float64):
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(n, width, generator=random, dtype=dtype).requires_grad_()
    return logits, torch.randint(width, (n,), generator=random)


def hinge_by_loop(logits, label):
    losses = []
    for row, own in zip(logits.tolist(), label.tolist(), strict=True):
        rival = max(value for k, value in enumerate(row) if k != own)
        losses.append(max(0.0, 1 + rival - row[own]))
    return sum(losses) / len(losses)


@pytest.mark.parametrize('dtype', DTYPES)
@pytest.mark.parametrize('labels, key', [('label', 'real'), ('fake_label', 'fake')])
@pytest.mark.parametrize('name', GOLDEN)
def test_multi_hinge_agrees_with_the_reference(name, labels, key, dtype):
    golden, _ = load(name)
    logits = leaf(golden['logits'], dtype)
    loss = multi_hinge(logits, golden[labels])
    loss.backward()
    assert relative_error(loss, golden[f'{key}.loss']) < 1e-6
    assert relative_error(logits.grad, golden[f'{key}.grad_logits']) < 1e-6


@pytest.mark.parametrize('dtype', DTYPES)
@pytest.mark.parametrize('name', GOLDEN)
def test_cross_entropy_agrees_with_the_reference(name, dtype):
    golden, _ = load(name)
    class_logits = leaf(golden['logits'][:, :-1], dtype)
    loss = class_cross_entropy(class_logits, golden['label'])
    loss.backward()
    assert relative_error(loss, golden['ce.loss']) < 1e-6
    assert relative_error(class_logits.grad, golden['ce.grad_logits']) < 1e-6


@pytest.mark.parametrize('dtype', DTYPES)
@pytest.mark.parametrize('name', GOLDEN)
def test_feature_matching_agrees_with_the_reference(name, dtype):
    golden, _ = load(name)
    fake, real = leaf(golden['fm.fake_h'], dtype), golden['fm.real_h'].to(dtype)
    loss = feature_matching(fake, real)
    loss.backward()
    assert relative_error(loss, golden['fm.loss']) < 1e-6
    assert relative_error(fake.grad, golden['fm.grad_fake_h']) < 1e-6


def test_multi_hinge_equals_the_loop():
    logits, label = batch(n=20)
    assert multi_hinge(logits, label).item() == pytest.approx(
        hinge_by_loop(logits, label)
    )


def test_multi_hinge_is_zero_where_every_sample_wins_by_one():
    _, label = batch()
    logits = 1.5 * F.one_hot(label, 4).double().requires_grad_()
    loss = multi_hinge(logits, label)
    assert loss.item() == 0


@pytest.mark.parametrize('function', [multi_hinge, class_cross_entropy])
def test_gradients_are_right(function):
    logits, label = batch()
    assert gradcheck(lambda x: function(x, label), (logits,))


def test_feature_matching_gradient_is_right():
    fake, _ = batch(5)
    real = batch(7)[0].detach()
    assert gradcheck(lambda x: feature_matching(x, real), (fake,))


@pytest.mark.parametrize('function', [multi_hinge, class_cross_entropy])
@pytest.mark.parametrize(
    'label', [torch.zeros(6), torch.full((6,), 4), torch.zeros(5, dtype=torch.int64)]
)
def test_labels_that_do_not_fit_raise(function, label):
    logits, _ = batch()
    with pytest.raises(ValueError, match='label'):
        function(logits, label)


@pytest.mark.parametrize('half', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('function', [multi_hinge, class_cross_entropy])
def test_half_precision_logits_give_a_float32_loss(function, half):
    logits, label = batch(dtype=torch.float32)
    loss = function(logits.to(half), label)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(function(logits, label).item(), rel=1e-2)


@pytest.mark.parametrize('function', [multi_hinge, class_cross_entropy])
def test_narrow_integer_labels_give_the_same_loss(function):
    logits, label = batch()
    assert function(logits, label.to(torch.int32)) == function(logits, label)
