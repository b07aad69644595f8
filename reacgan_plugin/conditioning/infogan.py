"""InfoGAN's Q head (Chen et al. 2016) around any conditioning."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from reacgan_plugin.conditioning.base import Conditioning, DiscriminatorOutput
from reacgan_plugin.conditioning.wrapper import Wrapper
from reacgan_plugin.functional.codes import (
    TINY,
    CodeSizes,
    codes_of,
    continuous_code_loss,
    discrete_code_loss,
)
from reacgan_plugin.options import at_least, in_range


class CodeGuess(NamedTuple):
    """What Q says of a batch; absent kinds of codes are None."""

    code_logits: Tensor | None  # (N, discrete, categories)
    mean: Tensor | None  # (N, continuous)
    variance: Tensor | None  # (N, continuous)


class InformationHead:
    """Extends a head by Q, linear maps of the features."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        sizes: CodeSizes,
        feature_scale: float | None,
        **options,
    ):
        super().__init__(in_channels, num_classes, **options)
        self.sizes, self.feature_scale = sizes, feature_scale
        maps = nn.ModuleDict()
        if sizes.discrete:
            width = sizes.discrete * sizes.categories
            maps['discrete'] = self.layers.linear(in_channels, width, bias=False)
        if sizes.continuous:
            for name in ('mean', 'log_variance'):
                maps[name] = self.layers.linear(
                    in_channels, sizes.continuous, bias=False
                )
        self.information = maps

    def judge(self, output: DiscriminatorOutput, fake: bool) -> DiscriminatorOutput:
        features = self._scaled(output.features)
        # Q learns in the discriminator's step, the backbone does not learn from it
        q_learns = any(p.requires_grad for p in self.information.parameters())
        guess = self._guess(features.detach() if q_learns else features)
        return super().judge(output, fake)._replace(info=guess)

    def _scaled(self, features: Tensor) -> Tensor:
        if self.feature_scale is not None:
            return features * self.feature_scale
        return features * (features.square().mean(1, keepdim=True) + TINY).rsqrt()

    def _guess(self, features: Tensor) -> CodeGuess:
        code_logits = mean = variance = None
        if self.sizes.discrete:
            shape = (self.sizes.discrete, self.sizes.categories)
            code_logits = self.information['discrete'](features).unflatten(1, shape)
        if self.sizes.continuous:
            mean = self.information['mean'](features)
            variance = self.information['log_variance'](features).exp()
        return CodeGuess(code_logits, mean, variance)


class Info(Wrapper):
    """Mutual information between codes in z and the image, ``loss=dict(type='Info')``.

    The last entries of z carry the codes (see :mod:`reacgan_plugin.functional.codes`);
    ``CodedGenerator`` mixes them into the z of a generator of any kind. Q reads them
    off the features of fakes: it learns to in the discriminator's step, and the
    generator learns to let it.

    Args:
        method: the conditioning, or its config; AC when there is none.
        discrete: number of categorical codes.
        categories: of each of them.
        continuous: number of codes that are uniform in [-1, 1].
        discrete_weight: factor of the categorical codes' term.
        continuous_weight: factor of the numbers' term.
        feature_scale: factor of the features that Q reads. The published networks
            sum-pool and have one over the positions here, 1 / 64 at 32 pixels. None:
            each sample's features are brought to a mean square of one, which fits any
            backbone.

    Raises: ValueError for numbers of codes that make no sense.
    """

    extension = InformationHead

    def __init__(
        self,
        method: Conditioning | dict | None = None,
        *,
        discrete: int = 1,
        categories: int = 10,
        continuous: int = 2,
        discrete_weight: float = 0.1,
        continuous_weight: float = 1.0,
        feature_scale: float | None = None,
    ):
        super().__init__(method)
        self.sizes = CodeSizes(discrete, categories, continuous).checked()
        self.discrete_weight = at_least('discrete_weight', discrete_weight, 0)
        self.continuous_weight = at_least('continuous_weight', continuous_weight, 0)
        if feature_scale is not None:
            in_range('feature_scale', feature_scale, above=0)
        self.head_options = {
            **self.head_options,
            'sizes': self.sizes,
            'feature_scale': feature_scale,
        }

    def discriminator(
        self, real: DiscriminatorOutput, fake: DiscriminatorOutput
    ) -> dict[str, Tensor]:
        return {**self.method.discriminator(real, fake), **self._information(fake)}

    def generator(
        self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None = None
    ) -> dict[str, Tensor]:
        return {**self.method.generator(fake, real), **self._information(fake)}

    def _information(self, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        if fake.z is None:
            raise ValueError(
                'Info needs the z of the fakes: output._replace(z=z) in a loop of your '
                'own'
            )
        codes, guess, terms = codes_of(fake.z, self.sizes), fake.info, {}
        if self.sizes.discrete:
            loss = discrete_code_loss(guess.code_logits, codes.category)
            terms['loss_info_discrete'] = self.discrete_weight * loss
        if self.sizes.continuous:
            loss = continuous_code_loss(guess.mean, guess.variance, codes.number)
            terms['loss_info_continuous'] = self.continuous_weight * loss
        return terms
