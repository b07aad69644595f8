"""ContraGAN's conditional contrastive loss, 2C (Kang and Park 2020)."""

from __future__ import annotations

from torch import Tensor

from reacgan_plugin.conditioning.reacgan import HypersphereConditioning
from reacgan_plugin.functional.contrastive import conditional_contrastive


class ConditionalContrastiveLoss(HypersphereConditioning):
    """2C loss on the hypersphere head, ``loss=dict(type='2C')`` (Eq. 8 there).

    Args:
        temperature: > 0.
        loss_weight: factor of the term.
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
        temperature: float = 1.0,
        loss_weight: float = 1.0,
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

    def compute(self, embedding, proxy, label, group) -> Tensor:
        return conditional_contrastive(
            embedding,
            proxy,
            label,
            temperature=self.temperature,
            group=group,
            uneven=self.uneven,
            block_size=self.block_size,
        )
