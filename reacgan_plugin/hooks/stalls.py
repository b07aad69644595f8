"""Losses that stay where they are and a discriminator that has collapsed."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from reacgan_plugin.options import whole

PINNED = ('d/loss', 'd/loss_adversarial', 'g/loss', 'g/loss_adversarial')
LOGITS = ('d/logit_real', 'd/logit_fake')
ADVERSARIAL = PINNED.index('d/loss_adversarial')
TOLERANCE = 1e-5  # a loss that moves less, relatively, stays where it is
NEAR = 1e-3  # a loss below is won, a smaller difference of logits is none


class Stalls:
    """Counts, on the device, iterations in a row that a run cannot learn from.

    A loss, in all or its adversarial part, that does not move; a discriminator whose
    adversarial loss is 0, so that it tells real images from fakes without effort; one
    that gives both the same mean logits. Counts begin anew with a run.

    Args:
        patience: iterations in a row after which one of these is worth a word.

    Raises: ValueError for a patience that is no whole number above 0.
    """

    def __init__(self, patience: int = 200):
        self.patience = whole('patience', patience, above=0)
        self.start_over()

    def start_over(self) -> None:
        """Forget everything that was seen."""
        self.counts = self.held = None
        self.said: set[int] = set()

    def see(self, outputs: Mapping[str, Tensor]) -> None:
        """Look at the terms of an iteration; nobody waits."""
        values = torch.stack([outputs[name].float() for name in (*PINNED, *LOGITS)])
        losses, (real, fake) = values[: len(PINNED)], values[len(PINNED) :]
        if self.counts is None:
            self.held, self.counts = losses, values.new_zeros(len(values))
        moved = (losses - self.held).abs()
        stays = moved <= TOLERANCE * (1 + self.held.abs())
        self.held = torch.where(stays, self.held, losses)
        equal = (real - fake).abs() <= NEAR * real.abs().clamp_min(1)
        won = (losses[ADVERSARIAL].abs() <= NEAR) & ~equal
        # a value counts from where it is first seen, a state from where it holds
        states = torch.stack([won, equal])
        begun = torch.cat([torch.ones_like(stays), states])
        self.counts = self.counts * torch.cat([stays, states]) + begun
        self.logits = values[len(PINNED) :]

    def found(self) -> str | None:
        """What has been so for long enough and was not said before; waits for the
        device."""
        if self.counts is None:
            return None
        long = {i for i, n in enumerate(self.counts.tolist()) if n >= self.patience}
        new, self.said = long - self.said, long
        collapse = {i for i in new if i >= len(PINNED)}
        # a collapse says why losses do not move
        return '; '.join(map(self._words, sorted(collapse or new))) or None

    def _words(self, index: int) -> str:
        for_long = f'for {self.patience} iterations'
        if index < len(PINNED):
            return (
                f'{PINNED[index]} has stayed at {float(self.held[index]):.4g} '
                f'{for_long}: no gradient moves it'
            )
        real, fake = self.logits.tolist()
        logits = f'mean logits {real:.4g} of real images, {fake:.4g} of fakes'
        if index == len(PINNED):
            return (
                f'the discriminator has won, its adversarial loss has been 0 {for_long}'
                f' ({logits}): lower its learning rate or model.d_updates, or add R1 '
                'or DiffAugment to model.techniques'
            )
        return (
            f'the discriminator tells real images and fakes apart no more {for_long} '
            f'({logits}): lower the learning rates, and look at the images it is shown'
        )
