"""Balanced consistency regularisation, bCR (Zhao et al. 2021, "Improved consistency
regularization for GANs")."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from reacgan_plugin.gan.technique import Judged
from reacgan_plugin.options import in_range
from reacgan_plugin.techniques.consistency import OUTPUTS, ConsistencyRegularisation


class BalancedConsistencyRegularisation(ConsistencyRegularisation):
    """Adds ``loss_consistency_fake`` to CR's ``loss_consistency``: the discriminator
    shall say the same of views of a fake too, which keeps the generator from learning
    the views (Algorithm 1).

    Together with :class:`~.latent_consistency.LatentConsistencyRegularisation` in the
    list of techniques it makes ICR.

    Args:
        weight_real: lambda_real.
        weight_fake: lambda_fake.
        of, flip, shift: as in :class:`ConsistencyRegularisation`.
    """

    def __init__(
        self,
        *,
        weight_real: float = 10.0,
        weight_fake: float = 10.0,
        of: Iterable[str] = OUTPUTS,
        flip: bool = True,
        shift: float = 0.125,
    ):
        weight = in_range('weight_real', weight_real, above=0)
        super().__init__(weight=weight, of=of, flip=flip, shift=shift)
        self.weight_fake = in_range('weight_fake', weight_fake, above=0)

    def check(self, gan: nn.Module) -> None:
        if any(type(t) is ConsistencyRegularisation for t in gan.techniques):
            raise ValueError(
                'ConsistencyRegularisation and BalancedConsistencyRegularisation are '
                'both in model.techniques, and reals would count twice; allowed: the '
                'latter alone'
            )

    def discriminator_penalties(
        self, judged: Judged, gan: nn.Module
    ) -> dict[str, Tensor]:
        terms = super().discriminator_penalties(judged, gan)
        penalty = self.penalty(judged.fake, judged.shown.fake, gan, fake=True)
        return {**terms, 'loss_consistency_fake': self.weight_fake * penalty}

    def extra_repr(self) -> str:
        return (
            f'weight_real={self.weight}, weight_fake={self.weight_fake}, of={self.of}'
        )
