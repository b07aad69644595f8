"""StyleGAN2's mapping networks: z, a class or both -> w (Karras et al. 2019,
"StyleGAN", section 2 and appendix B; Karras et al. 2020, "ADA", appendix D, for the
class).

Letters: N batch, Z width of z, K classes, W width of w.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reacgan_plugin.functional.labels import check_inputs, check_label
from reacgan_plugin.functional.precision import full_precision
from reacgan_plugin.layers.equalised import EqualisedLinear, scaled
from reacgan_plugin.options import counts

LR_MULTIPLIER = 0.01
AVERAGE_DECAY = 0.995
EPSILON = 1e-8


class MappingNetwork(nn.Module):
    """z and a class -> w, with a running average of w for truncation.

    Args:
        z_dim: Z.
        num_classes: K; None for no classes.
        w_dim: W.
        layers: number of fully connected layers.

    Shapes: z (N, Z), label (N,) -> (N, W), without autocast.
    In training mode ``w_avg`` follows w, unless ``track_running_stats`` is False.
    Raises: ValueError for z or labels of the wrong shape and for missing labels.
    """

    def __init__(
        self,
        *,
        z_dim: int = 512,
        num_classes: int | None = 10,
        w_dim: int = 512,
        layers: int = 8,
    ):
        super().__init__()
        counts(z_dim=z_dim, w_dim=w_dim, mapping_layers=layers)
        if num_classes is not None:
            counts(num_classes=num_classes)
        self.z_dim, self.num_classes = z_dim, num_classes
        self.track_running_stats = True
        in_features = z_dim
        if num_classes is not None:
            self.embed = ClassEmbedding(num_classes, w_dim)
            in_features += w_dim
        self.layers = fully_connected(in_features, w_dim, layers)
        self.register_buffer('w_avg', torch.zeros(w_dim))

    @full_precision  # small, and every layer of synthesis depends on it
    def forward(
        self, z: Tensor, label: Tensor | None = None, *, truncation: float = 1.0
    ) -> Tensor:
        """w_avg + truncation x (w - w_avg)."""
        w = self.layers(self._input(z, label))
        if self.training and self.track_running_stats:
            self._follow(w)
        return w if truncation == 1 else self.w_avg.lerp(w, truncation)

    def _input(self, z: Tensor, label: Tensor | None) -> Tensor:
        check_inputs(z, label, z_dim=self.z_dim, num_classes=self.num_classes)
        parts = [z]
        if self.num_classes is not None:
            parts.append(self.embed(label))
        return torch.cat([normalise_second_moment(part) for part in parts], dim=1)

    @torch.no_grad()
    def _follow(self, w: Tensor) -> None:
        self.w_avg.lerp_(w.mean(0).to(self.w_avg.dtype), 1 - AVERAGE_DECAY)


class ClassMapping(nn.Module):
    """An embedding of the class, normalised, then fully connected layers.

    Args:
        num_classes: K.
        w_dim: W.
        layers: number of fully connected layers.

    Shapes: label (N,) -> (N, W), without autocast.
    Raises: ValueError for labels that are not integers of shape (N,) in 0..K-1.
    """

    def __init__(self, num_classes: int, w_dim: int = 512, *, layers: int = 8):
        super().__init__()
        self.num_classes = num_classes
        self.embed = ClassEmbedding(num_classes, w_dim)
        self.layers = fully_connected(w_dim, w_dim, layers)

    @full_precision
    def forward(self, label: Tensor) -> Tensor:
        check_label(label, len(label), self.num_classes)
        return self.layers(normalise_second_moment(self.embed(label)))


class ClassEmbedding(EqualisedLinear):
    """The equalised linear map of a one-hot class, by look-up: (N,) -> (N, W)."""

    def forward(self, label: Tensor) -> Tensor:
        weight, bias = scaled(self, self.weight)
        return F.embedding(label.long(), weight.T) + bias


def normalise_second_moment(x: Tensor) -> Tensor:
    """Rows scaled to a mean square of one: (N, D) -> (N, D)."""
    return x * (x.square().mean(1, keepdim=True) + EPSILON).rsqrt()


def fully_connected(in_features: int, w_dim: int, layers: int) -> nn.Sequential:
    """Activated layers of width W that learn at a hundredth of the rate (Karras et al.
    2019, "StyleGAN", appendix C)."""
    widths = [in_features, *[w_dim] * layers]
    options = dict(activation=True, lr_multiplier=LR_MULTIPLIER)
    return nn.Sequential(
        *(EqualisedLinear(width, w_dim, **options) for width in widths[:layers])
    )
