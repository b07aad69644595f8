"""What a head learned of each class, and the gradient that reaches it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch import distributed as dist

from reacgan_plugin.conditioning.base import AdversarialHead

# attributes of heads that hold one row a class, or look one up
CLASS_LAYERS = ('proxies', 'classifier', 'embedding', 'class_map')


def class_layer(head: nn.Module) -> nn.Module | None:
    """The layer of a head that stands for the classes: proxies, class weights or class
    embedding; of heads with a logit a class, the adversarial one; else None.

    A head of your own calls it by one of the names in ``CLASS_LAYERS``.
    """
    for name in CLASS_LAYERS:
        layer = getattr(head, name, None)
        if isinstance(layer, nn.Module):
            return layer
    if not isinstance(head, AdversarialHead):
        return None
    one_for_all = head.width(head.num_classes) < max(head.num_classes, 2)
    return None if one_for_all else head.adversarial


def class_vectors(head: nn.Module) -> Tensor | None:
    """One row a class as the head uses it, (K, D), before any projection to the sphere;
    None where it has none. ADC has 2K rows, multi-hinge K + 1."""
    layer = class_layer(head)
    if layer is None:
        return None
    for count in ('num_embeddings', 'num_classes'):  # of what looks rows up
        if hasattr(layer, count):
            device = next(layer.parameters()).device
            return layer(torch.arange(getattr(layer, count), device=device))
    return layer.weight * getattr(layer, 'weight_gain', 1)


def gradient_norm(
    loss: Tensor, layer: nn.Module, *, group: dist.ProcessGroup | None = None
) -> Tensor:
    """L2 norm of a loss's gradient for the weights that a layer is used with, a scalar.

    Of a normalised weight it is the gradient after division by the spectral norm, to
    compare with ``-1/N sum_i F(x_i) (1[y_i = k] - p_ik)`` (Kang et al. 2021, section
    3); call it under ``parametrize.cached()`` together with what the loss comes from.
    Of a mapping network it is that for all of its parameters.

    Args:
        loss: a scalar, whose graph is kept.
        layer: as of :func:`class_layer`.
        group: the gradient is the mean over its ranks; None: of this process.
    """
    weight = getattr(layer, 'weight', None)
    weights = list(layer.parameters()) if weight is None else [weight]
    gradients = torch.autograd.grad(
        loss, weights, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    if group is not None:
        dist.all_reduce(flat, group=group)
        flat /= dist.get_world_size(group)
    return flat.norm() / getattr(layer, 'weight_gain', 1)
