"""LeCam regularisation (Tseng et al. 2021, "Regularizing GANs under limited data")."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from reacgan_plugin.functional.precision import full_precision


@full_precision
def lecam(
    real: Tensor, fake: Tensor, real_average: Tensor, fake_average: Tensor
) -> Tensor:
    """E max(0, D(x) - a_F)^2 + E max(0, a_R - D(G(z)))^2, a scalar: the discriminator
    shall not part reals from fakes by more than it did on average.

    Args:
        real, fake: D(x) and D(G(z)), large for real, of any shape.
        real_average, fake_average: a_R and a_F, scalars; constants to the gradient.

    Source: Tseng et al. 2021, Eq. 3; that only positive differences count is from the
    published code.
    """
    above = F.relu(real - fake_average.detach())
    below = F.relu(real_average.detach() - fake)
    return above.square().mean() + below.square().mean()
