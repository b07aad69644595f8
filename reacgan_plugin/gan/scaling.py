"""Steps of optimizers that scale losses for half precision: overflows are seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor

from reacgan_plugin.gan.faults import TrainingFault

IN_A_ROW = 20  # the scale halves each time: by then it is a millionth of what it was


class Overflow(TrainingFault):
    """One network's gradients are infinite or no numbers, whatever the scale."""


class Steps:
    """Steps optimizers; of those with a ``loss_scaler`` it counts skipped steps."""

    def __init__(self):
        self.skipped_in_a_row: Counter[str] = Counter()

    def step(
        self, name: str, optimizer, terms: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Step a network's optimizer after an update with these detached terms.

        Returns: ``skipped``, 1 where an overflow kept the weights as they were and
        else 0, for the log; nothing for optimizers that do not scale.

        Raises: Overflow when it happens for the 20th time in a row.
        """
        scaler = getattr(optimizer, 'loss_scaler', None)
        if scaler is None:
            optimizer.step()
            return {}
        before = scaler.get_scale()
        optimizer.step()
        skipped = scaler.get_scale() < before
        self.skipped_in_a_row[name] = skipped * (self.skipped_in_a_row[name] + 1)
        if self.skipped_in_a_row[name] >= IN_A_ROW:
            raise Overflow(
                f'{IN_A_ROW} updates of the {name} in a row overflowed in fp16, the '
                f"last with losses scaled by {before:g}; train with amp='bf16' or in "
                'float32, or with a lower learning rate'
            )
        return {'skipped': torch.tensor(float(skipped))}
