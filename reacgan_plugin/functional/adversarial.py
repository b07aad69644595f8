"""Adversarial losses on logits D(x), large for real: tensors of any shape -> scalar.

Written with softplus and relu, so that saturated logits keep their gradient. The
discriminator's is the sum of a mean over reals and a mean over fakes.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from reacgan_plugin.functional.precision import full_precision


@full_precision
def logistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E softplus(-D(real)) + E softplus(D(fake)) (Goodfellow et al. 2014, Eq. 1)."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


@full_precision
def logistic_generator(fake: Tensor) -> Tensor:
    """E softplus(-D(fake)), the non-saturating form (Goodfellow et al. 2014)."""
    return F.softplus(-fake).mean()


# Two names of one loss: binary cross entropy on logits is the logistic loss, and the
# reference implementation keeps both.
vanilla_discriminator = logistic_discriminator
vanilla_generator = logistic_generator


@full_precision
def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E max(0, 1 - D(real)) + E max(0, 1 + D(fake)) (Lim and Ye 2017)."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


@full_precision
def hinge_generator(fake: Tensor) -> Tensor:
    """-E D(fake) (Lim and Ye 2017)."""
    return -fake.mean()


@full_precision
def least_squares_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """(E (D(real) - 1)^2 + E D(fake)^2) / 2 (Mao et al. 2017, Eq. 9)."""
    return ((real - 1).square().mean() + fake.square().mean()) / 2


@full_precision
def least_squares_generator(fake: Tensor) -> Tensor:
    """E (D(fake) - 1)^2 / 2 (Mao et al. 2017, Eq. 9)."""
    return (fake - 1).square().mean() / 2


@full_precision
def wasserstein_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E D(fake) - E D(real) (Arjovsky et al. 2017)."""
    return fake.mean() - real.mean()


@full_precision
def wasserstein_generator(fake: Tensor) -> Tensor:
    """-E D(fake) (Arjovsky et al. 2017)."""
    return -fake.mean()


@full_precision
def relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E softplus(-(D(real) - D(fake))) over pairs (Huang et al. 2024, "R3GAN", Eq. 2;
    Jolicoeur-Martineau 2019).

    Raises: ValueError unless both have the same shape: row n of both is a pair.
    """
    _check_pairs(real, fake)
    return F.softplus(fake - real).mean()


@full_precision
def relativistic_generator(fake: Tensor, real: Tensor) -> Tensor:
    """E softplus(-(D(fake) - D(real))) over pairs (Huang et al. 2024, "R3GAN").

    Raises: ValueError unless both have the same shape: row n of both is a pair.
    """
    _check_pairs(real, fake)
    return F.softplus(real - fake).mean()


def _check_pairs(real: Tensor, fake: Tensor) -> None:
    if real.shape != fake.shape:
        raise ValueError(
            f'relativistic loss of {tuple(real.shape)} real and {tuple(fake.shape)} '
            'fake logits; allowed: as many of one as of the other, in pairs'
        )
