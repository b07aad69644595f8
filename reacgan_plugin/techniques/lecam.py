"""LeCam, a pull on the discriminator towards its own averages (Tseng et al. 2021)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reacgan_plugin.distributed import default_group, gather_rows
from reacgan_plugin.functional.lecam import lecam
from reacgan_plugin.gan.technique import Judged, Technique
from reacgan_plugin.options import in_range, whole


class LeCam(Technique):
    """Adds ``loss_lecam``, for small data sets: reals shall not be judged much more
    real than fakes were on average, nor fakes less real than reals were.

    weight x (E max(0, D(x) - a_F)^2 + E max(0, a_R - D(G(z)))^2) (Eq. 3), with a_R and
    a_F the moving averages of D(x) and D(G(z)), which move first.

    Args:
        weight: of the penalty.
        decay: share of the averages that stays with each batch.
        start: iteration from which on there is a penalty; until then the averages are
            those of the latest batch.

    Of multi-hinge, D is how far the own class's logit is above that of 'fake'. The
    averages are kept in the state dict and are those of all processes.
    Raises: ValueError for a setting out of range.
    """

    def __init__(self, *, weight: float = 0.3, decay: float = 0.99, start: int = 0):
        super().__init__()
        self.weight = in_range('weight', weight, above=0)
        self.decay = in_range('decay', decay, above=0, up_to=1)
        self.start = whole('start', start, above=-1)
        self.register_buffer('averages', torch.zeros(2))  # a_R, a_F
        self.register_buffer('begun', torch.zeros(()))  # 1 once they hold a batch

    def discriminator_terms(self, judged: Judged, gan: nn.Module) -> dict[str, Tensor]:
        real, fake = judged.real.realness, judged.fake.realness
        present = gan.iteration >= self.start
        averages = self.moved(real, fake, keep=self.decay if present else 0.0)
        if not present:
            return {}
        return {'loss_lecam': self.weight * lecam(real, fake, *averages)}

    @torch.no_grad()
    def moved(self, real: Tensor, fake: Tensor, *, keep: float) -> Tensor:
        """a_R and a_F (2,) after a batch, of which they keep this share."""
        own = torch.stack([real.mean(), fake.mean()]).to(self.averages)
        means = gather_rows(own[None], default_group()).mean(0)
        averages = means.lerp(self.averages, keep * self.begun)
        self.averages.copy_(averages)
        self.begun.fill_(1)
        return averages

    def extra_repr(self) -> str:
        return f'weight={self.weight}, decay={self.decay}, start={self.start}'
