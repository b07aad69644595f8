"""Self-attention over image positions (Zhang et al. 2019, "SAGAN", section 3)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reacgan_plugin.layers.weights import conv2d


class SelfAttention(nn.Module):
    """Residual attention; keys and values are max-pooled by two, as in BigGAN.

    Args:
        channels: of the features; at least 8, since queries have ``channels // 8``.
        spectral_norm: normalise the four 1 x 1 convolutions.

    Shapes: (N, channels, H, W) -> the same; H and W even. The residual weight starts
    at zero, so a fresh layer is the identity.
    Raises: ValueError for fewer than 8 channels.
    """

    def __init__(self, channels: int, *, spectral_norm: bool = True):
        super().__init__()
        if channels < 8:
            raise ValueError(
                f'attention over {channels} channels; allowed: 8 or more, by a larger '
                'base_channels or without attention_at'
            )
        options = dict(bias=False, spectral_norm=spectral_norm)
        self.query = conv2d(channels, channels // 8, 1, **options)
        self.key = conv2d(channels, channels // 8, 1, **options)
        self.value = conv2d(channels, channels // 2, 1, **options)
        self.out = conv2d(channels // 2, channels, 1, **options)
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        query = _rows(self.query(x))
        key = _rows(F.max_pool2d(self.key(x), 2))
        value = _rows(F.max_pool2d(self.value(x), 2))
        # spelled out: torch's own gains nothing at three dimensions, looks for masked
        # rows, and has forms without a second derivative
        attended = torch.softmax(query @ key.transpose(1, 2), dim=2) @ value
        attended = attended.transpose(1, 2).unflatten(2, (height, width))
        return x + self.weight * self.out(attended)


def _rows(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, H * W, C)."""
    return x.flatten(2).transpose(1, 2)
