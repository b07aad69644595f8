"""Faults for a guard to find: terms, weights and images that are not finite."""

from __future__ import annotations

import torch
from mmengine.hooks import Hook

from reacgan_plugin import distributed
from reacgan_plugin.registry import HOOKS


def spoil_term(gan, factor: float = torch.nan) -> None:
    """The discriminator's adversarial loss is not finite, once."""
    loss = gan.adversarial_loss
    whole = loss.discriminator

    def spoilt(real, fake):
        loss.discriminator = whole
        return whole(real, fake) * factor

    loss.discriminator = spoilt


def spoil_weight(gan) -> None:
    """One number of the discriminator's last weight is infinite, from now on."""
    with torch.no_grad():
        list(gan.discriminator.parameters())[-1].view(-1)[0] = torch.inf


@HOOKS.register_module(force=True)
class FaultHook(Hook):
    """Spoils iterations, counted from 1, of a run that draws its first numbers.

    Args:
        at: numbers of iterations.
        what: ``'term'`` or ``'weight'``.
        always: also after the run was sent back to draw others.
        of_rank: of this process alone; None: of all.
    """

    def __init__(self, at, what='term', always=False, of_rank=None):
        self.at = [at] if isinstance(at, int) else at
        self.spoil = {'term': spoil_term, 'weight': spoil_weight}[what]
        self.always = always
        self.is_mine = of_rank in (None, distributed.rank())

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        first = runner.model.seed == runner.seed
        if self.is_mine and batch_idx + 1 in self.at and (first or self.always):
            self.spoil(runner.model)
