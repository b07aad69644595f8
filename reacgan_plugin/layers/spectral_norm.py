"""Spectral normalisation (Miyato et al. 2018, Algorithm 1) as a parametrization.

torch's own one updates the left singular vector first, its older hook, with which the
published networks were trained, the right one: half an iteration apart, which shows
in every output while the vectors settle. This one has the older order, in float32.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from reacgan_plugin.functional.precision import full_precision

EPSILON = 1e-6  # of the published runs
WARM_UP = 15  # iterations on the initial weight, as torch's own parametrization has


class SpectralNorm(nn.Module):
    """weight -> weight / sigma, with sigma = u.W v for running singular vectors.

    Args:
        weight: of a convolution, linear map or embedding; its first dimension makes
            the rows of W, the others the columns.

    A forward in training mode first takes one power iteration; in evaluation mode the
    vectors stay.
    """

    def __init__(self, weight: Tensor):
        super().__init__()
        matrix = weight.detach().flatten(1)
        rows, columns = matrix.shape
        self.register_buffer('_u', F.normalize(matrix.new_empty(rows).normal_(), dim=0))
        self.register_buffer('_v', matrix.new_zeros(columns))
        for _ in range(WARM_UP):
            self._iterate(matrix)

    @full_precision
    def forward(self, weight: Tensor) -> Tensor:
        matrix = weight.flatten(1)
        if self.training:
            self._iterate(matrix)
        # copies, since the next forward writes into the vectors before this backward
        u, v = self._u.clone(), self._v.clone()
        return weight / torch.dot(u, torch.mv(matrix, v))

    @torch.no_grad()
    def _iterate(self, matrix: Tensor) -> None:
        if torch.compiler.is_compiling():
            # inductor drops the copies in forward and keeps the buffers themselves for
            # the backward: they are exchanged, since writing into them would spoil it
            self._v = F.normalize(torch.mv(matrix.t(), self._u), dim=0, eps=EPSILON)
            self._u = F.normalize(torch.mv(matrix, self._v), dim=0, eps=EPSILON)
            return
        F.normalize(torch.mv(matrix.t(), self._u), dim=0, eps=EPSILON, out=self._v)
        F.normalize(torch.mv(matrix, self._v), dim=0, eps=EPSILON, out=self._u)


def spectral_normalised(module: nn.Module) -> nn.Module:
    """Divide the module's weight by its largest singular value from now on.

    The weight itself becomes ``parametrizations.weight.original``. Returns the module.
    """
    parametrize.register_parametrization(module, 'weight', SpectralNorm(module.weight))
    return module
