"""What a feature extractor is: images to rows that metrics compare.

Letters: N images, S side that the network expects, D width of features, L of logits.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn


class Extracted(NamedTuple):
    """What a network says of some images."""

    features: Tensor  # (N, D) float32
    logits: Tensor | None = None  # (N, L) of the network's own classes


class Extractor(nn.Module):
    """A network in evaluation mode; a subclass writes ``forward``.

    Args:
        name: the network and its weights, as reports and cached files call them; two
            extractors of one name give the same rows.
        size: S; None: images go in as they are.
        friendly: filter of the resizer ``'friendly'``, with which the network was
            trained.

    Shapes: float32 (N, 3, S, S) in 0..255 -> :class:`Extracted`.
    """

    def __init__(self, name: str, *, size: int | None, friendly: str = 'bilinear'):
        super().__init__()
        self.name, self.size, self.friendly = name, size, friendly

    def forward(self, image: Tensor) -> Extracted:
        raise NotImplementedError(f'{type(self).__name__} must define forward()')

    def settled(self) -> Extractor:
        """Itself, never to be trained."""
        return self.eval().requires_grad_(False)
