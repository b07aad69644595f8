"""Top-k training (Sinha et al. 2020, "Top-k Training of GANs: Improving GAN Performance
by Throwing Away Bad Samples")."""

from __future__ import annotations

from torch import nn

from reacgan_plugin.conditioning.base import DiscriminatorOutput
from reacgan_plugin.gan.technique import Technique
from reacgan_plugin.gan.trees import rows_of
from reacgan_plugin.options import in_range, whole
from reacgan_plugin.rounding import rounded_up


class TopK(Technique):
    """The generator learns from those fakes alone that look most real to the
    discriminator (section 3); its class terms are taken over the same fakes.

    Of N fakes k = max(gamma^e, nu) N are kept, rounded up, where e counts intervals.

    Args:
        gamma: what k is multiplied by after each interval; 1: nothing is left out.
        nu: smallest share that is kept.
        interval: iterations of an interval; in the paper those of an epoch.

    With plain accumulation N is a micro-batch, with exact accumulation the batch; on
    several processes each keeps the k best of its own rows.
    Raises: ValueError for a setting out of range, and, in a model, for an adversarial
    loss that pairs every fake with a real sample.
    """

    def __init__(self, *, gamma: float = 0.99, nu: float = 0.5, interval: int):
        super().__init__()
        self.gamma = in_range('gamma', gamma, above=0, up_to=1)
        self.nu = in_range('nu', nu, above=0, up_to=1)
        self.interval = whole('interval', interval, above=0)

    def check(self, gan: nn.Module) -> None:
        if gan.adversarial_loss.needs_real:
            raise ValueError(
                'TopK leaves fakes out, but '
                f'{type(gan.adversarial_loss).__name__} pairs each of them with a real '
                'sample; allowed: an adversarial loss on fakes alone, such as Hinge'
            )

    def select(self, fake: DiscriminatorOutput, gan: nn.Module) -> DiscriminatorOutput:
        kept = self.kept(len(fake.label), gan.iteration)
        best = fake.realness.topk(kept).indices
        return rows_of(fake, best.sort().values)

    def kept(self, rows: int, iteration: int) -> int:
        """k of N rows in an iteration of the model."""
        share = max(self.gamma ** (iteration // self.interval), self.nu)
        return rounded_up(share, rows)

    def extra_repr(self) -> str:
        return f'gamma={self.gamma}, nu={self.nu}, interval={self.interval}'
