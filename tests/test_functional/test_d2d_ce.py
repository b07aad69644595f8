import math
from functools import partial

import pytest
import torch
from pair_losses import random_batch, results_by_autocast, with_gradients
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from reacgan_plugin.functional import d2d_cross_entropy

FORMULAS = ['paper', 'studiogan']
loss_and_gradients = partial(with_gradients, d2d_cross_entropy)


def losses_by_pairs(embedding, proxy, label, margin, temperature, formula='paper'):
    """Eq. 6, pair by pair."""
    losses = []
    for i, f in enumerate(embedding):
        cosines = [F.cosine_similarity(f, g, dim=0).item() for g in embedding]
        scaled = [(cosine - (1 - margin)) / temperature for cosine in cosines]
        own = F.cosine_similarity(f, proxy[i], dim=0).item()
        attraction = min(own - margin, 0) / temperature
        others = [s for j, s in enumerate(scaled) if j != i]
        shift = max(others) if formula == 'studiogan' else 0
        total = math.exp(attraction)
        for j, s in enumerate(scaled):
            if label[j] != label[i]:
                total += math.exp(max(s, 0) - shift)
        losses.append(math.log(total) - attraction)
    return torch.tensor(losses, dtype=torch.float64)


@pytest.mark.parametrize('formula', FORMULAS)
@pytest.mark.parametrize('n, num_classes', [(2, 2), (8, 3), (8, 8)])
def test_losses_equal_the_double_loop(n, num_classes, formula):
    inputs = random_batch(n, num_classes)
    for margin, temperature in [(0.98, 0.5), (0.7, 0.1), (1.0, 0.75)]:
        losses = d2d_cross_entropy(
            *inputs,
            margin=margin,
            temperature=temperature,
            formula=formula,
            reduction='none',
        )
        expected = losses_by_pairs(*inputs, margin, temperature, formula)
        assert torch.allclose(losses, expected, rtol=1e-12)


@pytest.mark.parametrize('block_size', [None, 2])
def test_gradients_and_second_gradients_are_right(block_size):
    # Of the paper's formula: that of the reference holds its shift fixed, so that its
    # gradient is not the function's; the golden numbers cover it.
    embedding, proxy, label = random_batch(4, width=3)
    inputs = embedding.requires_grad_(), proxy.requires_grad_()
    loss = partial(d2d_cross_entropy, label=label, block_size=block_size)
    assert gradcheck(partial(loss, reduction='none'), inputs)
    assert gradgradcheck(loss, inputs)


@pytest.mark.parametrize('formula', FORMULAS)
@pytest.mark.parametrize('n', [1, 6])
def test_one_class_gives_exactly_zero_loss_and_gradient(n, formula):
    """R9: without negatives numerator and denominator are the same."""
    embedding, proxy, _ = random_batch(n, dtype=torch.float32)
    label = torch.zeros(n, dtype=torch.int64)
    for result in loss_and_gradients(embedding, proxy, label, formula=formula):
        assert torch.count_nonzero(result) == 0


def extreme_batches():
    embedding, proxy, label = random_batch(6, dtype=torch.float32)
    zero = embedding.clone()
    zero[0] = 0
    return {
        'distinct': (embedding, proxy, torch.arange(6)),
        'duplicates': (embedding[:1].expand(6, -1), proxy, label),
        'equal to the proxy': (proxy, proxy, label),
        'opposite to the proxy': (-proxy, proxy, label),
        'zero row': (zero, proxy, label),
        'zero proxies': (embedding, torch.zeros_like(proxy), label),
        'large': (1e6 * embedding, 1e6 * proxy, label),
        'small': (1e-8 * embedding, 1e-8 * proxy, label),
    }


@pytest.mark.parametrize('temperature', [1.0, 0.1, 0.05, 0.01])
@pytest.mark.parametrize('formula', FORMULAS)
@pytest.mark.parametrize('kind', extreme_batches())
def test_extreme_batches_stay_finite(kind, formula, temperature):
    """R8: embeddings equal to their proxy, copies, and rows of zeros."""
    results = loss_and_gradients(
        *extreme_batches()[kind], formula=formula, temperature=temperature
    )
    assert all(torch.isfinite(result).all() for result in results)


@pytest.mark.parametrize('temperature', [1.0, 0.1, 0.05, 0.01])
@pytest.mark.parametrize('scale', [1.0, 1e4, 1e-3])
@pytest.mark.parametrize('half', [torch.float16, torch.bfloat16])
def test_half_precision_gives_a_float32_loss_near_float64(half, scale, temperature):
    """R7: whatever the scale of embeddings and the temperature."""
    embedding, proxy, label = random_batch(16, width=32)
    embedding, proxy = (scale * embedding).to(half), (scale * proxy).to(half)
    expected, *_ = loss_and_gradients(
        embedding.double(), proxy.double(), label, temperature=temperature
    )
    with torch.autocast('cpu', dtype=half):
        loss, *gradients = loss_and_gradients(
            embedding, proxy, label, temperature=temperature
        )
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert all(gradient.dtype == half for gradient in gradients)


@pytest.mark.parametrize('temperature', [1.0, 0.1, 0.05, 0.01])
@pytest.mark.parametrize('scale', [1e4, 1e-8])
@pytest.mark.parametrize('half', [torch.float16, torch.bfloat16])
def test_autocast_changes_nothing_at_any_scale(half, scale, temperature):
    """R7: the head's rows are float32, and stay so."""
    pairs = results_by_autocast(
        d2d_cross_entropy, half=half, scale=scale, temperature=temperature
    )
    for found, expected in pairs:
        assert found.dtype == torch.float32 and found.isfinite().all()
        assert torch.equal(found, expected)


@pytest.mark.parametrize('formula', FORMULAS)
def test_the_order_of_samples_does_not_matter(formula):
    embedding, proxy, label = random_batch(9)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    plain = loss_and_gradients(embedding, proxy, label, formula=formula)
    shuffled = loss_and_gradients(
        embedding[order], proxy[order], label[order], formula=formula
    )
    assert torch.allclose(shuffled[0], plain[0])
    assert torch.allclose(shuffled[1], plain[1][order])
    assert torch.allclose(shuffled[2], plain[2][order])


@pytest.mark.parametrize('formula', FORMULAS)
@pytest.mark.parametrize('block_size', [1, 4, 9, 100])
def test_blocks_give_the_same_losses_and_gradients(block_size, formula):
    inputs = random_batch(9)
    plain = loss_and_gradients(*inputs, formula=formula, reduction='none')
    blocks = loss_and_gradients(
        *inputs, formula=formula, reduction='none', block_size=block_size
    )
    for actual, expected in zip(blocks, plain, strict=True):
        assert torch.allclose(actual, expected, rtol=1e-12)


def test_easy_positives_and_negatives_leave_the_floor_without_gradient():
    embedding = torch.eye(4, 5, dtype=torch.float64)  # negatives at cosine 0 < m_n
    label = torch.tensor([0, 1, 1, 2])
    loss, *gradients = loss_and_gradients(embedding, embedding, label)
    others = torch.tensor([3, 2, 2, 3], dtype=torch.float64)
    assert torch.allclose(loss, others.log1p().mean())
    assert all(torch.count_nonzero(gradient) == 0 for gradient in gradients)


def test_an_easy_positive_has_no_gradient_towards_its_proxy():
    embedding, _, label = random_batch(6)
    _, of_embedding, of_proxy = loss_and_gradients(embedding, embedding, label)
    assert torch.count_nonzero(of_proxy) == 0
    assert torch.count_nonzero(of_embedding) > 0


def test_harder_negatives_push_harder():
    def push(degrees):
        angle = math.radians(degrees)
        negative = [math.cos(angle), math.sin(angle), 0.0]
        embedding = torch.tensor([[1.0, 0, 0], negative, [0, 0, 1.0]])
        proxy = torch.tensor([[1.0, 0, 0], negative, [0, 0, 1.0]])
        label = torch.tensor([0, 1, 2])
        cosine = torch.tensor(math.cos(angle), requires_grad=True)
        one_hot = torch.tensor([[1.0, 0, 0]])
        row = cosine * one_hot + (1 - cosine**2).sqrt() * one_hot.roll(1)
        rows = torch.cat([embedding[:1], row, embedding[2:]])
        losses = d2d_cross_entropy(rows, proxy, label, reduction='none')
        (gradient,) = torch.autograd.grad(losses[0], cosine)
        return gradient.item()

    assert push(15) > push(40) > push(70) > 0
    assert push(100) == 0


def leaves(embedding, proxy, label):
    return embedding.requires_grad_(), proxy.requires_grad_(), label


class LargestTensor(TorchDispatchMode):
    """Elements of the largest result of any operation, and reads by the host."""

    def __init__(self):
        super().__init__()
        self.elements, self.host_reads = 0, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        self.host_reads += function is torch.ops.aten._local_scalar_dense.default
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self.elements = max(self.elements, tensor.numel())
        return result


@pytest.mark.parametrize('formula', FORMULAS)
@pytest.mark.parametrize('block_size, rows', [(None, 64), (8, 8)])
def test_no_tensor_grows_beyond_rows_by_batch(block_size, rows, formula):
    inputs = leaves(*random_batch(64, 10, width=6))
    with LargestTensor() as seen:
        d2d_cross_entropy(*inputs, formula=formula, block_size=block_size).backward()
    assert seen.elements <= rows * 64
    assert seen.host_reads == 0


def test_blocks_keep_no_part_of_the_similarity_matrix_for_the_backward_pass():
    inputs = leaves(*random_batch(64, 10, width=6))
    kept = []

    def keep(tensor):
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        d2d_cross_entropy(*inputs, block_size=8)
    assert max(kept) <= 64 * 6


@pytest.mark.parametrize('block_size', [None, 2])
@pytest.mark.parametrize('formula', FORMULAS)
def test_nothing_is_read_by_the_host(formula, block_size):
    # Meta tensors have no values: any transfer to the host would raise.
    inputs = leaves(*(tensor.to('meta') for tensor in random_batch(6)))
    loss = d2d_cross_entropy(*inputs, formula=formula, block_size=block_size)
    loss.backward()
    assert loss.device.type == 'meta'


@pytest.mark.parametrize(
    'options, message',
    [
        ({'margin': 0.0}, r'margin=0\.0.*\(0, 1\]'),
        ({'margin': 1.5}, r'margin=1\.5.*\(0, 1\]'),
        ({'margin': math.nan}, r'margin=nan.*\(0, 1\]'),
        ({'temperature': 0.0}, r'temperature=0\.0.*above 0'),
        ({'temperature': -1.0}, r'temperature=-1\.0.*above 0'),
        ({'formula': 'Paper'}, r"formula='Paper'.*'paper', 'studiogan'"),
        ({'reduction': 'sum'}, r"reduction='sum'.*'mean', 'none'"),
        ({'block_size': 0}, r'block_size=0.*1 or more'),
    ],
)
def test_bad_options_raise_and_name_what_is_allowed(options, message):
    with pytest.raises(ValueError, match=message):
        d2d_cross_entropy(*random_batch(4), **options)


@pytest.mark.parametrize(
    'embedding, proxy, label, message',
    [
        ((4, 3), (4, 2), torch.zeros(4).long(), r'proxy has shape \(4, 2\)'),
        ((4, 3), (5, 3), torch.zeros(4).long(), r'proxy has shape \(5, 3\)'),
        ((4, 3, 1), (4, 3, 1), torch.zeros(4).long(), r'\(4, 3, 1\).*\(N, D\)'),
        ((0, 3), (0, 3), torch.zeros(0).long(), r'\(0, 3\).*N > 0'),
        ((4, 3), (4, 3), torch.zeros(4), 'float32'),
        ((4, 3), (4, 3), torch.zeros(4, 3).long(), r'\(4, 3\).*\(4,\)'),
        ((4, 3), (4, 3), torch.zeros(3).long(), '3 entries for 4'),
    ],
)
def test_bad_shapes_raise_and_name_what_is_allowed(embedding, proxy, label, message):
    with pytest.raises(ValueError, match=message):
        d2d_cross_entropy(torch.ones(embedding), torch.ones(proxy), label)
