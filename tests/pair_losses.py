"""Batches for losses over pairs of samples, and their results."""

from __future__ import annotations

import torch


def random_batch(n=8, num_classes=3, width=5, dtype=torch.float64):
    """Embeddings (n, width), the proxies of their classes, and labels; seeded."""
    random = torch.Generator().manual_seed(0)
    embedding = torch.randn(n, width, generator=random, dtype=dtype)
    proxies = torch.randn(num_classes, width, generator=random, dtype=dtype)
    label = torch.randint(num_classes, (n,), generator=random)
    return embedding, proxies[label], label


def results_by_autocast(loss_function, *, half, scale, **options):
    """Losses and gradients of one batch, scaled, in pairs: inside autocast and
    outside."""
    embedding, proxy, label = random_batch(16, width=32, dtype=torch.float32)
    inputs = [(scale * x).requires_grad_() for x in (embedding, proxy)]

    def results(autocast):
        with torch.autocast('cpu', dtype=half, enabled=autocast):
            loss = loss_function(*inputs, label, **options)
        return loss, *torch.autograd.grad(loss, inputs)

    return zip(results(True), results(False), strict=True)


def with_gradients(loss_function, embedding, proxy, label, **options):
    """Loss, or losses of rows, and the gradients of their mean."""
    embedding = embedding.detach().clone().requires_grad_()
    proxy = proxy.detach().clone().requires_grad_()
    loss = loss_function(embedding, proxy, label, **options)
    loss.mean().backward()
    return loss.detach(), embedding.grad, proxy.grad
