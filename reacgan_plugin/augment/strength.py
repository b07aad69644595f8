"""How strong an augmentation is to be, found out while training."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reacgan_plugin.distributed import default_group, gather_rows
from reacgan_plugin.options import in_range, whole


class AdaptiveStrength(nn.Module):
    """A probability that rises where the discriminator overfits and falls where it does
    not (Karras et al. 2020, "Training Generative Adversarial Networks with Limited
    Data", section 3).

    Every so many iterations p <- p + sign(r_t - target) x images / (1000 kimg), with
    r_t = E[sign(D(x))] over the real images of these iterations, of all processes. p
    stays in [0, 1]: the paper bounds it from below only, but more than 1 means the same
    as 1 and would have to be unlearned first.

    Args:
        target: of r_t; None: the strength stays as it is.
        interval: iterations from one change to the next.
        kimg: thousands of real images in which p can get from 0 to 1.
        strength: p at first.

    The state dict has ``strength``, ``sign_sum`` and ``sign_count``, scalars that are
    the same on all processes. Raises: ValueError for a setting out of range.
    """

    def __init__(
        self,
        *,
        target: float | None = 0.6,
        interval: int = 4,
        kimg: float = 500,
        strength: float = 0.0,
    ):
        super().__init__()
        if target is not None:
            in_range('target', target, above=-1, up_to=1)
        self.target = target
        self.interval = whole('interval', interval, above=0)
        self.kimg = in_range('kimg', kimg, above=0)
        if strength != 0:  # the only number allowed that in_range cannot allow
            in_range('strength', strength, above=0, up_to=1)
        self.register_buffer('strength', torch.tensor(float(strength)))
        self.register_buffer('sign_sum', torch.zeros(()))
        self.register_buffer('sign_count', torch.zeros(()))
        # sum and count of the present iteration, on this process
        self.register_buffer('seen', torch.zeros(2), persistent=False)

    @torch.no_grad()
    def observe(self, realness: Tensor) -> None:
        """Take note of what the discriminator says of real images (N,)."""
        signs = realness.sign()
        self.seen += torch.stack([signs.sum(), torch.ones_like(signs).sum()])

    @torch.no_grad()
    def update(self, iteration: int) -> Tensor:
        """End an iteration, on every process.

        Returns: the mean sign of the iteration's images, a scalar on the device.
        """
        total, count = gather_rows(self.seen[None], default_group()).sum(0)
        self.seen.zero_()
        self.sign_sum += total
        self.sign_count += count
        if (iteration + 1) % self.interval == 0:
            self._adapt()
        return total / count.clamp_min(1)

    def _adapt(self) -> None:
        if self.target is not None:
            excess = self.sign_sum - self.target * self.sign_count
            step = excess.sign() * self.sign_count / (1000 * self.kimg)
            self.strength.add_(step).clamp_(0, 1)
        self.sign_sum.zero_()
        self.sign_count.zero_()

    def extra_repr(self) -> str:
        return f'target={self.target}, interval={self.interval}, kimg={self.kimg}'
