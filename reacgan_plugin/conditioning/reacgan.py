"""ReACGAN (Kang et al. 2021): hypersphere head and Data-to-Data Cross-Entropy."""

from __future__ import annotations

from torch import Tensor

from reacgan_plugin.conditioning.base import (
    AdversarialHead,
    Conditioning,
    DiscriminatorOutput,
)
from reacgan_plugin.distributed import default_group
from reacgan_plugin.functional.blocks import check_block_size
from reacgan_plugin.functional.d2d_ce import FORMULAS, d2d_cross_entropy
from reacgan_plugin.functional.sphere import project_to_sphere
from reacgan_plugin.layers.hypersphere import HypersphereProjection
from reacgan_plugin.options import counts, in_range, one_of

GATHER = (True, False, 'uneven')


class HypersphereHead(AdversarialHead):
    """Adds the embedding f_i and the proxy v_y of each sample's class, on the sphere.

    Args:
        in_channels: C, width of the features.
        num_classes: K, number of proxies.
        embed_dim: D, width of embeddings and proxies.
        options: of :class:`AdversarialHead`.

    Shapes: features (N, C), label (N,) -> output with embedding and proxy (N, D).
    Source: Kang et al. 2021, section 3.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        embed_dim: int = 512,
        **options,
    ):
        super().__init__(in_channels, num_classes, **options)
        counts(embed_dim=embed_dim)
        self.projection = HypersphereProjection(
            in_channels, embed_dim, layers=self.layers
        )
        self.proxies = self.layers.embedding(num_classes, embed_dim)

    @property
    def class_proxies(self) -> bool:
        """Whether a proxy depends on its label and the weights alone; a class with a
        ``judge`` of its own may make others."""
        return type(self).judge is HypersphereHead.judge

    def judge(self, output: DiscriminatorOutput, fake: bool) -> DiscriminatorOutput:
        return output._replace(
            embedding=self.projection(output.features),
            proxy=project_to_sphere(self.proxies(output.label)),
        )


class HypersphereConditioning(Conditioning):
    """What losses on the hypersphere head share: its options and the gathering.

    In a plain loop: ``loss(embedding, proxy, label)`` is the weighted scalar.

    Args:
        gather: True: contrast with the samples of all ranks, which bring equally many.
            ``'uneven'``: the same where they may bring different numbers, also none,
            at the cost of telling each other how many. False: this process only.
        block_size: rows of the similarity matrix held at a time; ``'auto'``: as many
            as take little memory; None: all of them.
        embed_dim: D, width of the head's embedding.
        spectral_norm: normalise the head's weights.

    Raises: ValueError for an option that is not allowed.
    """

    head_class = HypersphereHead

    def __init__(
        self,
        *,
        temperature: float,
        loss_weight: float,
        gather: bool | str,
        block_size: int | str | None,
        embed_dim: int,
        spectral_norm: bool,
    ):
        counts(embed_dim=embed_dim)
        options = dict(embed_dim=embed_dim, spectral_norm=spectral_norm)
        super().__init__(loss_weight=loss_weight, **options)
        self.temperature = in_range('temperature', temperature, above=0)
        self.gather = one_of('gather', gather, GATHER)
        self.block_size = check_block_size(block_size)

    def forward(self, embedding: Tensor, proxy: Tensor, label: Tensor) -> Tensor:
        """Weighted loss of rows (N, D), (N, D), (N,) -> scalar."""
        return self.loss_weight * self._over_ranks(embedding, proxy, label)

    def compute(self, embedding, proxy, label, group) -> Tensor:
        """The unweighted loss over the rows of a process group."""
        raise TypeError(f'{type(self).__name__} must define compute()')

    def unweighted(self, output: DiscriminatorOutput) -> Tensor:
        return self._over_ranks(output.embedding, output.proxy, output.label)

    @property
    def uneven(self) -> bool:
        """Whether ranks may bring different numbers of samples."""
        return self.gather == 'uneven'

    def _over_ranks(self, embedding: Tensor, proxy: Tensor, label: Tensor) -> Tensor:
        group = default_group() if self.gather else None
        return self.compute(embedding, proxy, label, group)


class D2DCELoss(HypersphereConditioning):
    """Data-to-Data Cross-Entropy, ``loss=dict(type='D2DCE')`` (Eq. 6).

    D's term is that of the real batch, G's that of the fake batch (Eqs. 7 and 8).

    Args:
        margin: m_p in (0, 1]; pairs of other classes have m_n = 1 - m_p.
        temperature: tau > 0.
        loss_weight: lambda.
        formula: ``'paper'`` is Eq. 6; ``'studiogan'`` gives the numbers of the
            reference implementation, with which the published models were trained.
        gather: contrast with the samples of all ranks when training on several;
            ``'uneven'`` where they bring different numbers of samples.
        block_size: rows of the similarity matrix held at a time; ``'auto'``: as many
            as take little memory; None: all of them.
        embed_dim: D, width of the head's embedding.
        spectral_norm: normalise the head's weights.

    Raises: ValueError for an option that is not allowed.
    """

    def __init__(
        self,
        *,
        margin: float = 0.98,
        temperature: float = 0.5,
        loss_weight: float = 0.5,
        formula: str = 'paper',
        gather: bool | str = True,
        block_size: int | str | None = None,
        embed_dim: int = 512,
        spectral_norm: bool = True,
    ):
        super().__init__(
            temperature=temperature,
            loss_weight=loss_weight,
            gather=gather,
            block_size=block_size,
            embed_dim=embed_dim,
            spectral_norm=spectral_norm,
        )
        self.margin = in_range('margin', margin, above=0, up_to=1)
        self.formula = one_of('formula', formula, FORMULAS)

    def compute(self, embedding, proxy, label, group) -> Tensor:
        return d2d_cross_entropy(
            embedding,
            proxy,
            label,
            margin=self.margin,
            temperature=self.temperature,
            formula=self.formula,
            group=group,
            uneven=self.uneven,
            block_size=self.block_size,
        )

    def extra_repr(self) -> str:
        return (
            f'margin={self.margin}, temperature={self.temperature}, '
            f'loss_weight={self.loss_weight}, formula={self.formula!r}'
        )
