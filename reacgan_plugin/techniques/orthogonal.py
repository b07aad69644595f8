"""BigGAN's orthogonal regularisation (Brock et al. 2019, section 3.1)."""

from __future__ import annotations

from torch import Tensor, nn

from reacgan_plugin.backbones.stylegan2_mapping import ClassEmbedding
from reacgan_plugin.functional.penalties import orthogonality
from reacgan_plugin.gan.technique import Judged
from reacgan_plugin.options import one_of
from reacgan_plugin.techniques.lazy import LazyPenalty

NETWORKS = ('generator', 'discriminator')
CLASS_TABLES = (nn.Embedding, ClassEmbedding)
# plain, and where spectral norm, old or new, keeps what it normalises
WEIGHTS = ('weight', 'weight_orig', 'weight.original')


class Orthogonal(LazyPenalty):
    """Adds ``loss_orthogonal``, weight x sum_W |W^T W o (1 - I)|_F^2: different filters
    of a layer shall be orthogonal, of any norm (Eq. 3).

    Args:
        weight: beta. BigGAN-PyTorch's ``G_ortho`` adds half of the gradient.
        interval: the penalty is taken in every so many iterations, and then weighted
            by as much.
        network: ``'generator'``, whose truncation it helps, or ``'discriminator'``.

    The sum is over what learns and is called a weight, of two and more dimensions, the
    first of which counts filters; tables of classes are left out, as in BigGAN. Weights
    are those before spectral norm, as in BigGAN-PyTorch. Of layers with an equalised
    learning rate they are those after scaling, since what is stored has other units.
    StyleGAN2's modulated convolutions have weights of unit variance, for which the
    published beta is far too large.

    Raises: ValueError for a setting out of range or another network, and, in a model,
    for a network without such weights.
    """

    def __init__(
        self, *, weight: float = 1e-4, interval: int = 1, network: str = 'generator'
    ):
        super().__init__(weight=weight, interval=interval)
        self.network = one_of('network', network, NETWORKS)

    def check(self, gan: nn.Module) -> None:
        if not filters_of(getattr(gan, self.network)):
            raise ValueError(
                f'Orthogonal found no weight to learn of two or more dimensions in '
                f'model.{self.network}, but for tables of classes; allowed: a network '
                'with convolutions or linear maps'
            )

    def generator_penalties(self, judged: Judged, gan: nn.Module) -> dict[str, Tensor]:
        return self._penalty('generator', gan)

    def discriminator_penalties(
        self, judged: Judged, gan: nn.Module
    ) -> dict[str, Tensor]:
        return self._penalty('discriminator', gan)

    def _penalty(self, updated: str, gan: nn.Module) -> dict[str, Tensor]:
        if updated != self.network or not self.due(gan):
            return {}
        filters = filters_of(getattr(gan, self.network))
        return {'loss_orthogonal': self.factor * sum(map(orthogonality, filters))}

    def extra_repr(self) -> str:
        return f'{super().extra_repr()}, network={self.network!r}'


def filters_of(network: nn.Module) -> list[Tensor]:
    """Weights (filters, ...) that the penalty is over."""
    tables = {
        parameter
        for module in network.modules()
        if isinstance(module, CLASS_TABLES)
        for parameter in module.parameters()
    }
    return [
        scaled_as_used(network, name, parameter)
        for name, parameter in network.named_parameters()
        if name.endswith(WEIGHTS)
        and parameter.ndim > 1
        and parameter.requires_grad
        and parameter not in tables
    ]


def scaled_as_used(network: nn.Module, name: str, weight: Tensor) -> Tensor:
    """A weight times what its layer scales it by, for an equalised learning rate."""
    layer = network.get_submodule(name.rpartition('.')[0])
    gain = getattr(layer, 'weight_gain', None)
    return weight if gain is None else weight * gain
