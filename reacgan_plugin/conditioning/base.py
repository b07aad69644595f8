"""The contract of a conditioning: a loss that brings its own head."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from reacgan_plugin.functional.labels import check_label
from reacgan_plugin.functional.precision import full_precision
from reacgan_plugin.layers.weights import linear


class DiscriminatorOutput(NamedTuple):
    """What a discriminator says of a batch; absent things are None.

    Letters: N batch, K classes, C features, D embedding width.
    """

    logits: Tensor  # (N,) real against fake; (N, K + 1) for multi-hinge
    features: Tensor  # (N, C) of the backbone
    label: Tensor  # (N,) integers that the batch was judged under
    embedding: Tensor | None = None  # (N, D) unit rows
    proxy: Tensor | None = None  # (N, D) unit rows, one's own class
    class_logits: Tensor | None = None  # (N, K)
    twin: DiscriminatorOutput | None = None  # of a twin classifier
    info: Tensor | None = None  # of an information-maximising head


class AdversarialHead(nn.Module):
    """The real/fake logit on pooled features; heads of methods extend it.

    Args:
        in_channels: C, width of the features.
        num_classes: K, against which labels are checked.
        spectral_norm: normalise every weight of the head.

    Shapes: features (N, C), label (N,) -> :class:`DiscriminatorOutput`.
    Raises: ValueError for labels that are not integers of shape (N,) in 0..K-1 (the
    range is read on the CPU only, since on a GPU that would wait for the device).
    """

    def __init__(
        self, in_channels: int, num_classes: int, *, spectral_norm: bool = True
    ):
        super().__init__()
        self.num_classes = num_classes
        self.adversarial = linear(in_channels, 1, spectral_norm=spectral_norm)

    @full_precision  # a head is cheap, and margins are lost in half precision
    def forward(
        self, features: Tensor, label: Tensor, *, fake: bool = False
    ) -> DiscriminatorOutput:
        check_label(label, len(features), self.num_classes)
        logits = self.adversarial(features).squeeze(1)
        output = DiscriminatorOutput(logits, features, label.long())
        return self.judge(output, fake)

    def judge(self, output: DiscriminatorOutput, fake: bool) -> DiscriminatorOutput:
        """Complete the output with what the method adds; here nothing."""
        return output


class Conditioning(nn.Module):
    """A way to tell the discriminator, and through it the generator, of classes.

    Holds settings, no parameters: what is learned lives in the head, inside the
    discriminator, where the optimizer, DDP and the checkpoint see it.

    Args:
        loss_weight: lambda, the factor of the conditioning term.
        head_options: keywords of ``head_class`` beside the two sizes.

    A new method names its ``head_class`` and writes ``terms``; nothing else.
    """

    head_class = AdversarialHead

    def __init__(self, *, loss_weight: float = 1.0, **head_options):
        super().__init__()
        self.loss_weight = loss_weight
        self.head_options = head_options

    def build_head(self, in_channels: int, num_classes: int) -> nn.Module:
        """The head that this loss reads."""
        return self.head_class(in_channels, num_classes, **self.head_options)

    def discriminator(
        self, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> dict[str, Tensor]:
        """Weighted terms of the discriminator's loss, by name."""
        return self.terms(real)

    def generator(
        self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None = None
    ) -> dict[str, Tensor]:
        """Weighted terms of the generator's loss, by name."""
        return self.terms(fake)

    def terms(self, output: DiscriminatorOutput) -> dict[str, Tensor]:
        """Terms of one batch under its own labels; none for methods that speak
        through the logits alone."""
        return {}

    def extra_repr(self) -> str:
        return f'loss_weight={self.loss_weight}'
