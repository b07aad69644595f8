"""Projection with mapped classes, SPD, as conditional StyleGAN2 has it (Karras et al.
2020, "ADA", appendix on class-conditional training)."""

from __future__ import annotations

from torch import Tensor

from reacgan_plugin.conditioning.base import AdversarialHead, Conditioning


class MappedProjectionHead(AdversarialHead):
    """The logit is the inner product of D scores and D numbers of the mapped class,
    divided by the root of D; here D is C, the width of the features."""

    def __init__(self, in_channels: int, num_classes: int, **options):
        self.in_channels = in_channels
        super().__init__(in_channels, num_classes, **options)
        self.class_map = self.layers.class_mapping(num_classes, in_channels)

    def width(self, num_classes: int) -> int:
        return self.in_channels

    def logits(self, scores: Tensor, label: Tensor) -> Tensor:
        return (scores * self.class_map(label)).sum(1) / self.in_channels**0.5


class SPD(Conditioning):
    """Mapped projection, ``loss=dict(type='SPD')``: no term of its own, the
    adversarial loss carries the class."""

    head_class = MappedProjectionHead

    def __init__(self, *, spectral_norm: bool = True):
        super().__init__(spectral_norm=spectral_norm)
