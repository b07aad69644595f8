"""Losses of class logits: cross entropy (Odena et al. 2017) and multi-hinge."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributed as dist
from torch.nn import functional as F

from reacgan_plugin.distributed import gather_rows
from reacgan_plugin.functional.labels import check_label
from reacgan_plugin.functional.precision import full_precision


@full_precision
def class_cross_entropy(class_logits: Tensor, label: Tensor) -> Tensor:
    """Mean cross entropy of class logits: (N, K), (N,) -> scalar.

    Raises: ValueError for labels that are not integers of shape (N,) in 0..K-1.
    """
    check_label(label, *class_logits.shape)
    return F.cross_entropy(class_logits, label.long())


@full_precision
def multi_hinge(logits: Tensor, label: Tensor) -> Tensor:
    """Crammer-Singer hinge, mean of max(0, 1 + max_{k != y} x_k - x_y): -> scalar.

    Args:
        logits: (N, K), or (N, K + 1) where the last class stands for 'fake'.
        label: (N,), the class that should win by 1; K where 'fake' should.

    Source: Kavalerov et al. 2019 (MHingeGAN); Crammer and Singer 2001.
    Raises: ValueError for labels that are not integers of shape (N,) in range.
    """
    check_label(label, *logits.shape)
    own_column = label.long()[:, None]
    own = logits.gather(1, own_column)
    others = logits.scatter(1, own_column, -torch.inf)
    return F.relu(1 + others.max(1, keepdim=True).values - own).mean()


@full_precision
def feature_matching(
    fake: Tensor, real: Tensor, *, group: dist.ProcessGroup | None = None
) -> Tensor:
    """Mean absolute difference of two batches' mean features: (M, C), (N, C) -> scalar.

    The generator's companion of multi-hinge. The real features are the target: detach
    them, or compute them without gradient.

    Args:
        fake, real: features, equally many rows on every rank.
        group: means are over the rows of all its ranks; None: of this process only.

    Source: Salimans et al. 2016, section 3.1, with the L1 norm of MHingeGAN.
    """
    fake_mean, real_mean = (
        gather_rows(rows.mean(0, keepdim=True), group).mean(0) for rows in (fake, real)
    )
    return (fake_mean - real_mean).abs().mean()
