"""Embeddings that balance on the sphere: zero-centroid regularisation (Zhou et al.
2022, "Learning Towards the Largest Margins")."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reacgan_plugin.conditioning.base import DiscriminatorOutput
from reacgan_plugin.distributed import default_group
from reacgan_plugin.functional.penalties import squared_centroid
from reacgan_plugin.gan.aside import aside
from reacgan_plugin.gan.technique import Judged, Technique
from reacgan_plugin.options import in_range, one_of

ROWS = ('embedding', 'proxy')


class ZeroCentredEmbedding(Technique):
    """Adds ``loss_zero_centred_embedding``, or ``..._proxy``: weight x |mean_i f_i|^2
    over the reals of the whole batch, of all processes.

    Args:
        weight: of the term.
        of: f_i, a sample's ``'embedding'``, or the ``'proxy'`` of its class. The paper
            has the mean over all classes' weights; here a class counts as often as it
            is in the batch.

    Raises: ValueError for a setting that is not allowed, and, in a model, for a
    conditioning whose head gives no such rows: those of D2DCE and 2C do, and those of
    TAC, ADC and Info around them.
    """

    def __init__(self, *, weight: float = 1.0, of: str = 'embedding'):
        super().__init__()
        self.weight = in_range('weight', weight, above=0)
        self.of = one_of('of', of, ROWS)

    def check(self, gan: nn.Module) -> None:
        # a discriminator that was given whole may not say how wide its features are;
        # the first step then tells
        width = getattr(gan.discriminator.backbone, 'out_channels', None)
        if width is not None:
            self.rows(said_of_zeros(gan.discriminator.head, width))

    def discriminator_terms(self, judged: Judged, gan: nn.Module) -> dict[str, Tensor]:
        centroid = squared_centroid(self.rows(judged.real), default_group())
        return {f'loss_zero_centred_{self.of}': self.weight * centroid}

    def rows(self, output: DiscriminatorOutput) -> Tensor:
        """What shall be centred, (N, D)."""
        found = getattr(output, self.of)
        if found is None:
            raise ValueError(
                f'ZeroCentredEmbedding(of={self.of!r}): the head of model.loss gives '
                f'no {self.of}; allowed: D2DCE and 2C, also inside TAC, ADC and Info'
            )
        return found

    def extra_repr(self) -> str:
        return f'weight={self.weight}, of={self.of!r}'


@torch.no_grad()
def said_of_zeros(head: nn.Module, width: int) -> DiscriminatorOutput:
    """A head's output for two rows of features that are zero, without a trace in it."""
    features = next(head.parameters()).new_zeros(2, width)
    label = torch.zeros(2, dtype=torch.int64, device=features.device)
    with aside(head):
        return head(features, label)
