"""Steps between layers that write over a feature map nobody reads again.

They do so where no graph is built, as in sampling and in the discriminator's updates,
and save a fifth of what a generator takes there. With a graph they are the plain
steps, to the bit: autograd keeps what it needs anyway, and backward hooks refuse views
that are written into. A hook that holds the output of the layer before finds the
overwritten map in it.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def rectified(x: Tensor) -> Tensor:
    """ReLU of a layer's output."""
    return F.relu(x, inplace=not torch.is_grad_enabled())


def added(x: Tensor, other: Tensor) -> Tensor:
    """The sum of a layer's output and another map of its shape and dtype."""
    return x + other if torch.is_grad_enabled() else x.add_(other)


def scaled(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """``x * gain + bias`` of a layer's output (N, C, H, W); (N, C, 1, 1) each."""
    product = x * gain if torch.is_grad_enabled() else x.mul_(gain)
    return product.add_(bias)  # nobody else has the product
