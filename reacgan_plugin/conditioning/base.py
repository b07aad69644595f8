"""The contract of a conditioning: a loss that brings its own head."""

from __future__ import annotations

from numbers import Integral
from typing import NamedTuple

from torch import Tensor, nn

from reacgan_plugin.functional.labels import check_label
from reacgan_plugin.functional.precision import full_precision
from reacgan_plugin.layers.kits import OrthogonalLayers
from reacgan_plugin.options import at_least, counts


class DiscriminatorOutput(NamedTuple):
    """What a discriminator says of a batch; absent things are None.

    Letters: N batch, K classes, C features, D embedding width, Z width of z.
    """

    logits: Tensor  # (N,) real against fake; (N, K + 1) for multi-hinge
    features: Tensor  # (N, C) of the backbone
    label: Tensor  # (N,) integers that the batch was judged under
    embedding: Tensor | None = None  # (N, D) unit rows
    proxy: Tensor | None = None  # (N, D) unit rows, one's own class
    class_logits: Tensor | None = None  # (N, K); (N, 2K) for ADC
    twin: DiscriminatorOutput | None = None  # of a twin classifier, or a second view
    info: NamedTuple | None = None  # guessed codes, of an information-maximising head
    z: Tensor | None = None  # (N, Z) that a fake was made from

    @property
    def realness(self) -> Tensor:
        """(N,) one number a sample, positive where it passes as real: the logits, or,
        of multi-hinge, how far the own class's is above that of 'fake'."""
        if self.logits.ndim == 1:
            return self.logits
        own = self.logits.gather(1, self.label[:, None]).squeeze(1)
        return own - self.logits[:, -1]


class AdversarialHead(nn.Module):
    """The real/fake logit on pooled features; heads of methods extend it.

    Args:
        in_channels: C, width of the features.
        num_classes: K, against which labels are checked.
        spectral_norm: normalise every weight of the head.
        layers: kit that makes the weights; the orthogonal one by default. Backbones
            with weights of another kind name theirs.

    Shapes: features (N, C), label (N,), and, after :meth:`take_scores`, scores (N, 1)
    -> :class:`DiscriminatorOutput`.
    Raises: ValueError for a number of classes that is not whole or below one, and for
    labels that are not integers of shape (N,) in 0..K-1 (the range is read on the CPU
    only, since on a GPU that would wait for the device).
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spectral_norm: bool = True,
        layers=None,
    ):
        super().__init__()
        _check_num_classes(num_classes)
        counts(in_channels=in_channels)
        self.num_classes = num_classes
        self.layers = layers or OrthogonalLayers(spectral_norm)
        self.adversarial = self.layers.linear(in_channels, self.width(num_classes))

    @full_precision  # a head is cheap, and margins are lost in half precision
    def forward(
        self,
        features: Tensor,
        label: Tensor,
        *,
        fake: bool = False,
        scores: Tensor | None = None,
    ) -> DiscriminatorOutput:
        check_label(label, len(features), self.num_classes)
        label = label.long()
        if scores is None:
            scores = self.adversarial(features)
        logits = self.logits(scores, label)
        return self.judge(DiscriminatorOutput(logits, features, label), fake)

    def take_scores(self) -> None:
        """Give up the adversarial layer: a discriminator that has one of its own
        hands its numbers (N, 1) to ``forward`` as ``scores`` from now on.

        Raises: ValueError when the method's layer gives more than one number.
        """
        width = self.width(self.num_classes)
        if width != 1:
            raise ValueError(
                f'{type(self).__name__} needs {width} numbers of an adversarial layer; '
                "a discriminator's own last layer gives one"
            )
        self.adversarial = None

    def width(self, num_classes: int) -> int:
        """How many numbers the adversarial layer gives; here one."""
        return 1

    def logits(self, scores: Tensor, label: Tensor) -> Tensor:
        """The adversarial layer's numbers (N, width) as logits; here (N,)."""
        return scores.squeeze(1)

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

    A new method names its ``head_class`` and writes ``unweighted``; nothing else.
    Methods that speak through the logits alone write neither.
    """

    head_class = AdversarialHead
    needs_real = False  # whether the generator's terms read D's output for reals

    def __init__(self, *, loss_weight: float = 1.0, **head_options):
        super().__init__()
        self.loss_weight = at_least('loss_weight', loss_weight, 0)
        self.head_options = head_options

    def build_head(
        self, in_channels: int, num_classes: int, *, layers=None
    ) -> nn.Module:
        """The head that this loss reads; ``layers`` is the backbone's kit if it has
        one, which then decides on spectral norm."""
        _check_num_classes(num_classes)  # as it was given: ADC's head doubles it
        return self.head_class(
            in_channels, num_classes, layers=layers, **self.head_options
        )

    def adversarial(self, adversarial_loss: nn.Module) -> nn.Module:
        """The adversarial loss that goes with this method; here the given one.

        Raises: ValueError when the pair makes no sense.
        """
        return adversarial_loss

    def judge_generated(
        self, discriminator: nn.Module, image: Tensor, label: Tensor
    ) -> DiscriminatorOutput:
        """What the generator's terms are taken of: one pass of the discriminator."""
        return discriminator(image, label, fake=True)

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
        """Terms of one batch under its own labels."""
        if not self.classifies:
            return {}
        return {'loss_conditioning': self.loss_weight * self.unweighted(output)}

    def unweighted(self, output: DiscriminatorOutput) -> Tensor:
        """The class loss of one batch under its own labels: a scalar."""
        raise NotImplementedError(f'{type(self).__name__} must define unweighted()')

    @property
    def classifies(self) -> bool:
        """Whether it has a class term of its own, which TAC and ADC can wrap."""
        return type(self).unweighted is not Conditioning.unweighted

    def extra_repr(self) -> str:
        return f'loss_weight={self.loss_weight}'


def _check_num_classes(found) -> None:
    whole = isinstance(found, Integral) and not isinstance(found, bool)
    if not whole or found < 1:
        raise ValueError(f'num_classes={found!r}; allowed: a whole number above 0')
