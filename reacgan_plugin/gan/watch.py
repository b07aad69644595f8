"""Numbers that are not finite, seen on the device; an update of them is withheld.

In every update a handful of kernels look at its loss terms and at the norm of every
gradient, and note the iteration in which each was not finite for the first time. Nobody
waits for that; whoever wants to know asks later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import compress
from typing import NamedTuple

import torch
from torch import Tensor, nn

from reacgan_plugin.gan.scaling import Steps

ORDER = ('discriminator', 'generator')  # of updates in an iteration
NEVER = 2**62


class Finding(NamedTuple):
    """What was not finite in an update of one network."""

    iteration: int  # counted from 0
    network: str
    terms: tuple[str, ...]  # names of loss terms
    gradients: tuple[str, ...]  # names of parameters
    watched: int  # how many parameters there are


class Watch:
    """When terms and gradients of updates were not finite for the first time."""

    def __init__(self):
        self.first: dict[tuple, Tensor] = {}

    def see(
        self,
        network: str,
        iteration: int,
        terms: Mapping[str, Tensor],
        norms: Mapping[str, Tensor],
    ) -> Tensor:
        """Look at the terms of an update and the norms of its gradients.

        Returns: whether any of the norms is not finite, a boolean on the device.
        """
        losses = {name: v for name, v in terms.items() if name.startswith('loss')}
        gradients = torch.stack([*norms.values()])
        of_losses = torch.stack([v.to(gradients) for v in losses.values()])
        bad = torch.cat([of_losses, gradients]).isfinite().logical_not_()
        since = torch.where(bad, iteration, NEVER)
        key = (network, tuple(losses), tuple(norms))
        before = self.first.get(key)
        self.first[key] = since if before is None else torch.minimum(before, since)
        return bad[len(losses) :].any()

    def found(self) -> Finding | None:
        """The first update in which something was not finite since this was last asked,
        if there is one; waits for the device."""
        if not self.first:
            return None
        seen, self.first = self.first, {}
        since = torch.stack([first.min() for first in seen.values()]).tolist()
        when = dict(zip(seen, since, strict=True))
        key = min(when, key=lambda key: (when[key], ORDER.index(key[0])))
        if when[key] == NEVER:
            return None
        network, terms, parameters = key
        bad = (seen[key] == when[key]).tolist()
        return Finding(
            when[key],
            network,
            _named(terms, bad[: len(terms)]),
            _named(parameters, bad[len(terms) :]),
            len(parameters),
        )


class WatchedSteps(Steps):
    """Steps that are watched: an update whose gradients are not all finite changes
    neither weights nor the optimizer's state.

    Optimizers with a fused form, which ours take by default, skip on the device; others
    have to be asked whether to step, for which the host waits in every update. Those
    that scale losses for fp16 skip by themselves: an overflow is the scaler's business,
    and the terms of such an update are no fault.

    Args:
        gan: the model that is trained.
    """

    def __init__(self, gan: nn.Module):
        super().__init__()
        self.gan, self.watch = gan, Watch()
        self.parameters = {n: dict(getattr(gan, n).named_parameters()) for n in ORDER}

    def step(
        self, name: str, optimizer, terms: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """As :meth:`Steps.step`; returns ``grad_norm``, too, of all parameters."""
        scaler = getattr(optimizer, 'loss_scaler', None)
        scale = 1.0 if scaler is None else scaler.get_scale()
        parameters = self.parameters[name]
        norms = gradient_norms(parameters.values())
        seen = (name, self.gan.iteration, terms)
        named = dict(zip(parameters, norms, strict=True))
        if scaler is None:
            step_unless(self.watch.see(*seen, named), optimizer)
            stepped = {}
        else:
            stepped = super().step(name, optimizer, terms)
            if not stepped['skipped']:
                self.watch.see(*seen, named)
        return {**stepped, 'grad_norm': torch.linalg.vector_norm(norms) / scale}


def gradient_norms(parameters: Iterable[nn.Parameter]) -> Tensor:
    """Euclidean norm of the gradient of each of the parameters; 0 where there is none.

    Returns: (parameters,) float32.
    """
    parameters = list(parameters)
    nothing = parameters[0].new_zeros(1)
    gradients = [nothing if p.grad is None else p.grad for p in parameters]
    return torch.stack([norm.float() for norm in torch._foreach_norm(gradients)])


def step_unless(bad: Tensor, optimizer) -> None:
    """Step an optim wrapper's optimizer, unless a boolean on the device is true."""
    inner = optimizer.optimizer
    if getattr(inner, '_step_supports_amp_scaling', False):
        inner.found_inf = bad.float()  # as torch's GradScaler tells a fused kernel
        try:
            optimizer.step()
        finally:
            del inner.found_inf
    elif not bad:
        optimizer.step()


def _named(names: tuple[str, ...], chosen: list[bool]) -> tuple[str, ...]:
    return tuple(compress(names, chosen))
