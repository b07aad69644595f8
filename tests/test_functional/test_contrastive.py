import math
from functools import partial

import pytest
import torch
from golden_files import load, names, relative_error
from pair_losses import random_batch, results_by_autocast, with_gradients
from torch.autograd import gradcheck
from torch.nn import functional as F

from reacgan_plugin.functional import conditional_contrastive

loss_and_gradients = partial(with_gradients, conditional_contrastive)


def losses_by_pairs(embedding, proxy, label, temperature):
    """ContraGAN's Eq. 8, pair by pair."""
    losses = []
    for i, f in enumerate(embedding):
        own = F.cosine_similarity(f, proxy[i], dim=0).item()
        numerator = denominator = math.exp(own / temperature)
        for j, g in enumerate(embedding):
            if i == j:
                continue
            weight = math.exp(F.cosine_similarity(f, g, dim=0).item() / temperature)
            denominator += weight
            numerator += weight if label[i] == label[j] else 0
        losses.append(math.log(denominator / numerator))
    return torch.tensor(losses, dtype=torch.float64)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('inputs', ['norm', 'raw'])
@pytest.mark.parametrize('name', names('losses_2c_*'))
def test_agrees_with_the_reference(name, inputs, dtype):
    golden, metadata = load(name)
    for i, setting in enumerate(metadata['settings']):
        loss, of_embedding, of_proxy = loss_and_gradients(
            golden[f'{inputs}.embed'].to(dtype),
            golden[f'{inputs}.proxy'].to(dtype),
            golden['label'],
            temperature=setting['temperature'],
        )
        key = f's{i}.{inputs}.ref'
        assert relative_error(loss, golden[f'{key}_loss']) < 1e-6
        assert relative_error(of_embedding, golden[f'{key}_grad_embed']) < 1e-6
        assert relative_error(of_proxy, golden[f'{key}_grad_proxy']) < 1e-6


@pytest.mark.parametrize('temperature', [1.0, 0.1])
@pytest.mark.parametrize('n, num_classes', [(2, 2), (8, 3), (8, 1), (8, 20)])
def test_losses_equal_the_double_loop(n, num_classes, temperature):
    inputs = random_batch(n, num_classes)
    losses = conditional_contrastive(*inputs, temperature=temperature, reduction='none')
    expected = losses_by_pairs(*inputs, temperature)
    assert torch.allclose(losses, expected, rtol=1e-12, atol=1e-14)


def test_gradients_are_right():
    embedding, proxy, label = random_batch(7)
    assert gradcheck(
        lambda x, y: conditional_contrastive(x, y, label, reduction='none'),
        (embedding.requires_grad_(), proxy.requires_grad_()),
    )


@pytest.mark.parametrize('n', [1, 6])
def test_one_class_gives_exactly_zero_loss_and_gradient(n):
    """R9: without negatives numerator and denominator are the same."""
    embedding, proxy, _ = random_batch(n, dtype=torch.float32)
    for result in loss_and_gradients(embedding, proxy, torch.zeros(n).long()):
        assert torch.count_nonzero(result) == 0


@pytest.mark.parametrize('temperature', [1.0, 0.1, 0.05, 0.01])
@pytest.mark.parametrize('scale', [0.0, 1e-8, 1.0, 1e6])
def test_extreme_norms_and_temperatures_stay_finite(scale, temperature):
    """R8: norms from tiny to huge."""
    embedding, proxy, label = random_batch(dtype=torch.float32)
    results = loss_and_gradients(
        scale * embedding, scale * proxy, label, temperature=temperature
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
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize('temperature', [1.0, 0.1, 0.05, 0.01])
@pytest.mark.parametrize('scale', [1e4, 1e-8])
@pytest.mark.parametrize('half', [torch.float16, torch.bfloat16])
def test_autocast_changes_nothing_at_any_scale(half, scale, temperature):
    """R7: the head's rows are float32, and stay so."""
    pairs = results_by_autocast(
        conditional_contrastive, half=half, scale=scale, temperature=temperature
    )
    for found, expected in pairs:
        assert found.dtype == torch.float32 and found.isfinite().all()
        assert torch.equal(found, expected)


def test_the_order_of_samples_does_not_matter():
    embedding, proxy, label = random_batch(9)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    plain = loss_and_gradients(embedding, proxy, label)
    shuffled = loss_and_gradients(embedding[order], proxy[order], label[order])
    assert torch.allclose(shuffled[0], plain[0])
    assert torch.allclose(shuffled[1], plain[1][order])


@pytest.mark.parametrize('block_size', [1, 4, 9, 100, 'auto'])
def test_blocks_give_the_same_losses_and_gradients(block_size):
    inputs = random_batch(9)
    plain = loss_and_gradients(*inputs, reduction='none')
    blocks = loss_and_gradients(*inputs, reduction='none', block_size=block_size)
    for actual, expected in zip(blocks, plain, strict=True):
        assert torch.allclose(actual, expected, rtol=1e-12)


def test_nothing_is_read_by_the_host():
    # Meta tensors have no values: any transfer to the host would raise.
    embedding, proxy, label = (tensor.to('meta') for tensor in random_batch())
    conditional_contrastive(embedding.requires_grad_(), proxy, label).backward()
    assert embedding.grad.shape == embedding.shape


@pytest.mark.parametrize(
    'options, message',
    [
        ({'block_size': 0}, r'block_size=0.*1 or more'),
        ({'temperature': 0.0}, r'temperature=0\.0.*above 0'),
        ({'reduction': 'sum'}, r"reduction='sum'.*'mean', 'none'"),
    ],
)
def test_bad_options_raise_and_name_what_is_allowed(options, message):
    with pytest.raises(ValueError, match=message):
        conditional_contrastive(*random_batch(), **options)
