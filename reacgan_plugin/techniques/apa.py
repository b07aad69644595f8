"""Adaptive pseudo augmentation (Jiang et al. 2021, "Deceive D: Adaptive Pseudo
Augmentation for GAN Training with Limited Data")."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reacgan_plugin.gan.technique import Shown
from reacgan_plugin.techniques.adaptive import AdaptiveTechnique


class APA(AdaptiveTechnique):
    """Some fakes are shown to the discriminator as real samples, the more the further
    it overfits (section 3).

    In the discriminator's update real n is fake n, under the label of that, with
    probability p. The strength follows lambda_r, the mean of sign(D(x)) over all that
    was shown as real, pseudo reals among them, as in the published runs.

    Args:
        target: of lambda_r; None: the strength stays.
        interval: iterations from one change of the strength to the next.
        kimg: thousands of real images in which it can get from 0 to 1.
        strength: p at first.

    In the list it belongs before other augmentations, which then see pseudo reals too.
    Raises: ValueError as :class:`AdaptiveTechnique`, and, in an update, where real
    samples and fakes are not equally many.
    """

    name = 'apa'
    danger = 'above 0.8 far more fakes than real samples are shown as real'

    def images(self, shown: Shown, gan: nn.Module) -> Shown:
        if shown.network != 'discriminator':
            return shown
        _check_equally_many(shown.real, shown.fake)
        size = len(shown.real)
        pseudo = torch.rand(size, device=shown.real.device) < self.strength
        real, fake = shown.real.detach(), shown.fake.detach()
        image = torch.where(pseudo[:, None, None, None], fake, real)
        # zero, by which a penalty at real images finds its way to pseudo reals too
        image = image + (shown.real - real)
        label = torch.where(pseudo, shown.fake_label, shown.label)
        return shown._replace(real=image, label=label)


def _check_equally_many(real: Tensor, fake: Tensor) -> None:
    if len(real) != len(fake):
        raise ValueError(
            f'APA shows fake n as real n; found {len(real)} real and {len(fake)} fake '
            'images; allowed: equally many'
        )
