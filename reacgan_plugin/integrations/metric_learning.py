"""D2D-CE among the losses of pytorch-metric-learning, with proxies of its own."""

from __future__ import annotations

import torch
from torch import Tensor

try:
    from pytorch_metric_learning.distances import CosineSimilarity
    from pytorch_metric_learning.losses import BaseMetricLossFunction
    from pytorch_metric_learning.losses.mixins import WeightRegularizerMixin
    from pytorch_metric_learning.utils.common_functions import TorchInitWrapper
except ModuleNotFoundError as error:
    missing = error.name.partition('.')[0]
    raise ModuleNotFoundError(
        f'this door needs {missing}; install it with: '
        'pip install pytorch-metric-learning',
        name=missing,
    ) from None

from reacgan_plugin.functional.blocks import check_block_size
from reacgan_plugin.functional.d2d_ce import FORMULAS, d2d_cross_entropy
from reacgan_plugin.functional.labels import check_label
from reacgan_plugin.options import in_range, one_of


class D2DCEMetricLoss(WeightRegularizerMixin, BaseMetricLossFunction):
    """Data-to-Data Cross-Entropy (Kang et al. 2021, Eq. 6) as a metric loss.

    Like the library's ProxyAnchorLoss it has one learned proxy a class, so that it
    needs an optimizer: ``metric_loss_optimizer`` in the library's trainers.

    Args:
        num_classes: K.
        embedding_size: D.
        margin: m_p in (0, 1]; pairs of other classes have m_n = 1 - m_p.
        temperature: tau > 0.
        formula: ``'paper'`` or ``'studiogan'``, as of :func:`d2d_cross_entropy`.
        block_size: rows of the similarity matrix held at a time; None: all of them,
            ``'auto'``: as many as fit a fixed budget.
        options: the library's: ``reducer``, ``embedding_regularizer``,
            ``weight_regularizer``, ``weight_init_func``, ``collect_stats``, ...

    Shapes: embeddings (N, D) of any norm, labels (N,) in 0..K-1 -> what the reducer
    makes of N losses; by default their mean.

    The loss contrasts every pair of a batch by the cosine. What would change that is
    refused: miners' ``indices_tuple``, ``ref_emb`` and a ``distance``; CrossBatchMemory
    and SelfSupervisedLoss refuse the loss themselves. DistributedLossWrapper gathers
    embeddings before the loss: under DDP their gradient is that of one process, and
    that of the proxies is as many times larger as there are processes, as for every
    loss of the library that has weights.

    Raises: ValueError for what is refused and for options or labels not allowed.
    """

    def __init__(
        self,
        num_classes: int,
        embedding_size: int,
        *,
        margin: float = 0.98,
        temperature: float = 0.5,
        formula: str = 'paper',
        block_size: int | str | None = None,
        **options,
    ):
        if 'distance' in options:
            raise ValueError(
                'D2DCEMetricLoss compares by the cosine; leave distance out'
            )
        super().__init__(**options)
        self.num_classes = num_classes
        self.margin = in_range('margin', margin, above=0, up_to=1)
        self.temperature = in_range('temperature', temperature, above=0)
        self.formula = one_of('formula', formula, FORMULAS)
        self.block_size = check_block_size(block_size)
        self.proxies = torch.nn.Parameter(torch.empty(num_classes, embedding_size))
        self.weight_init_func(self.proxies)
        self.add_to_recordable_attributes(
            list_of_names=['num_classes', 'margin', 'temperature'], is_stat=False
        )

    def compute_loss(
        self, embeddings: Tensor, labels, indices_tuple, ref_emb, ref_labels
    ) -> dict[str, dict]:
        """Losses of the rows, in the form that the library's reducers take."""
        _refuse(indices_tuple is not None, 'indices_tuple', 'leave the miner out')
        # the base class hands on the embeddings themselves where there are none
        _refuse(ref_emb is not embeddings, 'ref_emb', 'leave it out')
        _refuse(labels is None, 'labels=None', 'give the class of each row')
        check_label(labels, len(embeddings), self.num_classes)
        embeddings, proxies = self._alike(embeddings)
        losses = d2d_cross_entropy(
            embeddings,
            proxies[labels.long()],
            labels,
            margin=self.margin,
            temperature=self.temperature,
            formula=self.formula,
            block_size=self.block_size,
            reduction='none',
        )
        rows = torch.arange(len(losses), device=losses.device)
        loss = {'losses': losses, 'indices': rows, 'reduction_type': 'element'}
        found = {'loss': loss}
        self.add_weight_regularization_to_loss_dict(found, self.proxies)
        return found

    def get_logits(self, embeddings: Tensor) -> Tensor:
        """Cosine to the proxy of every class: (N, D) -> (N, K)."""
        return self.distance(*self._alike(embeddings))

    def get_default_distance(self):
        return CosineSimilarity()

    def get_default_weight_init_func(self):
        return TorchInitWrapper(torch.nn.init.orthogonal_)

    def _alike(self, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings and proxies on the embeddings' device, in the wider type: the
        library's trainers move no loss."""
        dtype = torch.promote_types(embeddings.dtype, self.proxies.dtype)
        proxies = self.proxies.to(embeddings.device, dtype)
        return embeddings.to(dtype), proxies


def _refuse(found: bool, what: str, instead: str) -> None:
    if found:
        raise ValueError(
            f'D2DCEMetricLoss contrasts every pair of a labelled batch, so that {what} '
            f'is not supported; {instead}'
        )
