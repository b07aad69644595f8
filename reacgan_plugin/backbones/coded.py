"""A generator whose z carries information codes (Chen et al. 2016, "InfoGAN")."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from reacgan_plugin.functional.codes import CodeSizes, codes_of
from reacgan_plugin.functional.labels import check_z
from reacgan_plugin.layers import linear


class CodedGenerator(nn.Module):
    """Mixes codes into the z of another generator: z' = W [z, codes] + b.

    Args:
        generator: a module with ``z_dim``; in a config, its config.
        discrete: number of categorical codes.
        categories: of each of them.
        continuous: number of codes that are uniform in [-1, 1].
        spectral_norm: normalise W.

    Shapes: z (N, Z), label (N,) -> what the generator makes. Z, ``z_dim``, is the
    generator's width plus one entry for each category of each code and each number.
    Raises: ValueError for numbers of codes that make no sense, and for z of another
    width.
    """

    def __init__(
        self,
        generator: nn.Module,
        *,
        discrete: int = 1,
        categories: int = 10,
        continuous: int = 2,
        spectral_norm: bool = True,
    ):
        super().__init__()
        self.sizes = CodeSizes(discrete, categories, continuous).checked()
        self.generator = generator
        self.z_dim = generator.z_dim + self.sizes.latent
        self.mix = linear(self.z_dim, generator.z_dim, spectral_norm=spectral_norm)

    @property
    def size(self):
        """Image size of the generator."""
        return self.generator.size

    @property
    def image_channels(self) -> int:
        """Channels of the generator's images."""
        return self.generator.image_channels

    @property
    def num_classes(self) -> int | None:
        """Classes of the generator."""
        return self.generator.num_classes

    @property
    def styles(self) -> Callable:
        """The generator's styles of mixed z, where it has styles."""
        styles = self.generator.styles
        return lambda z, *rest, **options: styles(self.mixed(z), *rest, **options)

    @property
    def synthesis(self) -> nn.Module:
        """The generator's synthesis, where it has one."""
        return self.generator.synthesis

    def forward(self, z: Tensor, label: Tensor | None = None, **options) -> Tensor:
        return self.generator(self.mixed(z), label, **options)

    def mixed(self, z: Tensor) -> Tensor:
        """z (N, Z) with its codes -> z of the generator."""
        check_z(z, self.z_dim)
        codes = codes_of(z, self.sizes).flat(self.sizes.categories)
        noise = z[:, : self.generator.z_dim]
        return self.mix(torch.cat([noise, codes], dim=1))
