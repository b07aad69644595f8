"""Consistency regularisation, CR (Zhang et al. 2020)."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from reacgan_plugin.conditioning.base import DiscriminatorOutput
from reacgan_plugin.functional.consistency import consistency
from reacgan_plugin.gan.aside import aside
from reacgan_plugin.gan.technique import Judged, Technique
from reacgan_plugin.options import in_range, one_of
from reacgan_plugin.techniques.flip_and_shift import FlipAndShift

OUTPUTS = ('logits', 'class_logits', 'embedding')


class ConsistencyRegularisation(Technique):
    """Adds ``loss_consistency``: the discriminator shall say the same of a real image
    and of a view of it, mirrored and moved by a few pixels.

    weight x E |D(x) - D(T(x))|^2 (Algorithm 1).

    Args:
        weight: lambda.
        of: what D says: any of ``'logits'``, ``'class_logits'`` and ``'embedding'``;
            those that the conditioning has none of are passed over.
        flip, shift: see :class:`~.flip_and_shift.FlipAndShift`.

    D(x) is the step's own output, as published, unless that was made in half precision;
    T(x) takes a pass of its own, and the gradient goes through both. Of augmented
    images the views are of what the discriminator is shown.
    Raises: ValueError for a setting that is not allowed, and in the step when the
    conditioning has nothing of what ``of`` names.
    """

    def __init__(
        self,
        *,
        weight: float = 10.0,
        of: Iterable[str] = OUTPUTS,
        flip: bool = True,
        shift: float = 0.125,
    ):
        super().__init__()
        self.weight = in_range('weight', weight, above=0)
        self.of = checked_outputs(of)
        self.view = FlipAndShift(flip=flip, shift=shift)

    def discriminator_penalties(
        self, judged: Judged, gan: nn.Module
    ) -> dict[str, Tensor]:
        penalty = self.penalty(judged.real, judged.shown.real, gan, fake=False)
        return {'loss_consistency': self.weight * penalty}

    def penalty(
        self, said: DiscriminatorOutput, image: Tensor, gan: nn.Module, *, fake: bool
    ) -> Tensor:
        """How far what is said of the images is from what is said of views of them."""
        image = image.detach()
        with aside(gan.discriminator):
            other = gan.discriminator(self.view(image), said.label, fake=fake)
            if gan.amp is not None:
                said = gan.discriminator(image, said.label, fake=fake)
        return discrepancy(said, other, self.of)

    def extra_repr(self) -> str:
        return f'weight={self.weight}, of={self.of}'


def checked_outputs(of: Iterable[str]) -> tuple[str, ...]:
    """The names, if there are some and all are known; else ValueError."""
    listed = (of,) if isinstance(of, str) else of
    names = tuple(one_of('of', name, OUTPUTS) for name in listed)
    if not names:
        raise ValueError(f'of={of!r} names nothing; allowed: some of {OUTPUTS}')
    return names


def discrepancy(
    first: DiscriminatorOutput, second: DiscriminatorOutput, of: Iterable[str]
) -> Tensor:
    """Sum of the mean squared differences of the outputs named; those that are None are
    passed over.

    Raises: ValueError when all are None.
    """
    present = [name for name in OUTPUTS if getattr(first, name) is not None]
    terms = [
        consistency(getattr(first, name), getattr(second, name))
        for name in of
        if name in present
    ]
    if not terms:
        raise ValueError(
            f'of={of!r}, but this discriminator says none of it; allowed: '
            f'{", ".join(map(repr, present))}'
        )
    return sum(terms)
