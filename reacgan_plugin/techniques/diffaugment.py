"""DiffAugment (Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN
Training")."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from reacgan_plugin.augment.diffaugment import POLICIES, diff_augment
from reacgan_plugin.gan.technique import Shown, Technique
from reacgan_plugin.options import one_of


class DiffAugment(Technique):
    """The discriminator sees augmented images only, real samples and fakes, in both
    networks' updates (section 3.2).

    Args:
        policy: names among 'color', 'translation' and 'cutout', applied in this order,
            to every sample in its own way.

    Raises: ValueError for another name, and for none.
    """

    def __init__(self, *, policy: Sequence[str] = ('color', 'translation', 'cutout')):
        super().__init__()
        names = (policy,) if isinstance(policy, str) else tuple(policy)
        self.policy = tuple(one_of('policy', name, POLICIES) for name in names)
        if not self.policy:
            raise ValueError(f'policy is empty; allowed: {", ".join(POLICIES)}')

    def images(self, shown: Shown, gan: nn.Module) -> Shown:
        fake = diff_augment(shown.fake, self.policy)
        if shown.real is None:
            return shown._replace(fake=fake)
        return shown._replace(fake=fake, real=diff_augment(shown.real, self.policy))

    def extra_repr(self) -> str:
        return f'policy={self.policy}'
