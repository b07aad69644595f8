"""One real/fake logit a class, MD (Mescheder et al. 2018, section on class-conditional
training; StarGAN v2 and FUNIT call it a multi-task discriminator)."""

from __future__ import annotations

from torch import Tensor

from reacgan_plugin.conditioning.base import AdversarialHead, Conditioning


class OneLogitPerClassHead(AdversarialHead):
    """K logits, of which each sample gets that of its own class."""

    def width(self, num_classes: int) -> int:
        return num_classes

    def logits(self, scores: Tensor, label: Tensor) -> Tensor:
        return scores.gather(1, label[:, None]).squeeze(1)


class MD(Conditioning):
    """One logit a class, ``loss=dict(type='MD')``: no term of its own, the adversarial
    loss carries the class."""

    head_class = OneLogitPerClassHead

    def __init__(self, *, spectral_norm: bool = True):
        super().__init__(spectral_norm=spectral_norm)
