"""A guard over training: nothing that is not finite reaches weights or checkpoints."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping

import torch
from mmengine.hooks import Hook
from torch import Tensor, nn

from reacgan_plugin.distributed import rank, world_size
from reacgan_plugin.gan.faults import Diverged
from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.gan.watch import Finding, WatchedSteps
from reacgan_plugin.hooks.agreement import agreed
from reacgan_plugin.hooks.guard_policies import NONE, POLICIES, Fault, Policy
from reacgan_plugin.hooks.stalls import Stalls
from reacgan_plugin.options import one_of


class GuardHook(Hook):
    """Watches terms, gradients and logits of a run, and acts on what is wrong.

    Numbers that are not finite: an update with such gradients is withheld on the
    device, whatever the policy, so that weights and averages stay as they were. The
    policy then says whether the run ends. Losses that have not moved for ``patience``
    iterations, and a discriminator that has won or says the same of everything, are
    another matter: weights are whole, the judgement is one of experience, and some runs
    recover, so that a warning is the default.

    Logs ``d/grad_norm`` and ``g/grad_norm``, of all gradients of a network before they
    are clipped. A checkpoint with a weight that is not finite is never written.

    Args:
        policy: about numbers that are not finite: ``'stop'``, ``'skip'`` or
            ``'rollback'``, or one with its options, ``dict(type='skip', limit=20)``.
        stalled: about the rest: ``'warn'``, ``'stop'``, ``'rollback'``; None: nothing.
        patience: iterations in a row.

    On a CPU it looks after every iteration. On a GPU the host would wait for that, so
    it looks in iterations in which any hook is due, thus before every log line, picture
    and checkpoint; ``'skip'`` has to look in each. All processes decide alike.
    Raises: ValueError for settings that are not known, and, before training, for a
    model that is no ``ConditionalGAN``.
    """

    priority = 'HIGHEST'  # before anything is logged, drawn or saved

    def __init__(
        self,
        *,
        policy: str | Mapping = 'stop',
        stalled: str | Mapping | None = 'warn',
        patience: int = 200,
    ):
        self.policy = policy_of('policy', policy, ('stop', 'skip', 'rollback'))
        self.stalled = NONE
        if stalled is not None:
            allowed = ('warn', 'stop', 'rollback')
            self.stalled = policy_of('stalled', stalled, allowed)
        self.stalls = Stalls(patience)

    def before_run(self, runner) -> None:
        """Refuse other models now, where it costs nothing."""
        if not isinstance(runner.model, ConditionalGAN):
            raise ValueError(
                f'GuardHook watches the steps of a ConditionalGAN; found a '
                f'{type(runner.model).__name__}'
            )

    def before_train(self, runner) -> None:
        runner.model.steps = WatchedSteps(runner.model)
        self.stalls.start_over()

    after_rollback = before_train

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        self.policy.before_iteration(runner.model)

    def after_train_iter(
        self, runner, batch_idx: int, data_batch=None, outputs: dict | None = None
    ) -> None:
        self.stalls.see(outputs)
        if not self._looks(runner, batch_idx):
            return
        finding = runner.model.steps.watch.found()
        mine = None
        if finding is not None:
            mine = described(finding, runner.model, data_batch)
        stall = self.stalls.found()
        if stall is not None:
            stall = Fault(batch_idx + 1, False, f'iteration {batch_idx + 1}: {stall}')
        fault, stall = agreed([mine, stall], runner.model.data_preprocessor.device)
        if fault is not None:
            self.policy.act(fault, runner)
        if stall is not None:
            self.stalled.act(stall, runner)

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """The last line: on the process that saves, whoever asked for it.

        Raises: Diverged when a weight is not finite or a buffer has a NaN.
        """
        weights = {name for name, _ in runner.model.named_parameters()}
        name = first_bad(checkpoint['state_dict'], weights)
        if name is not None:
            raise Diverged(
                f'{name} is not finite after {checkpoint["meta"]["iter"]} iterations: '
                'not saved, and the checkpoints before are as they were'
            )

    def _looks(self, runner, batch_idx: int) -> bool:
        device = torch.device(runner.model.data_preprocessor.device)
        if device.type == 'cpu' or self.policy.every_iteration:
            return True
        is_last = batch_idx + 1 == runner.max_iters
        return is_last or any(_is_due(hook, runner) for hook in runner.hooks)


def policy_of(key: str, policy: str | Mapping, allowed: tuple[str, ...]) -> Policy:
    """The policy of a setting; ValueError for a name or option that is not known."""
    options = dict(policy) if isinstance(policy, Mapping) else {'type': policy}
    kind = POLICIES[one_of(key, options.pop('type', None), allowed)]
    for option in options:
        one_of(f'{key} option', option, inspect.signature(kind).parameters)
    return kind(**options)


def described(finding: Finding, gan: nn.Module, batch: Mapping) -> Fault:
    """In words: which term, which iteration, which parameter first, and whether weights
    or images are the cause."""
    network = getattr(gan, finding.network)
    bad_weight = first_bad(dict(network.named_parameters()))
    parts = [
        f'iteration {finding.iteration + 1}, update of the {finding.network}: '
        f'{_of_terms(finding.terms)}',
        _of_gradients(finding),
    ]
    if bad_weight is not None:
        parts.append(f'the weight {bad_weight} itself is not finite')
    images = _bad_images(batch) if finding.iteration + 1 == gan.iteration else 0
    if images:
        parts.append(f'{images} images of the batch are not finite')
    if world_size() > 1:
        parts.append(f'seen by process {rank()} of {world_size()}')
    return Fault(
        finding.iteration + 1, not finding.terms, '; '.join(parts), bool(bad_weight)
    )


def first_bad(tensors: Mapping, weights: set[str] | None = None) -> str | None:
    """The first tensor by name that holds a NaN or, if it is one of the weights (None:
    all are), an infinity, which a buffer may well hold."""
    floating = {
        name: tensor.detach()
        for name, tensor in tensors.items()
        if isinstance(tensor, Tensor) and tensor.is_floating_point() and tensor.numel()
    }
    if not floating:
        return None
    largest = torch._foreach_norm(list(floating.values()), ord=math.inf)
    values = torch.stack([value.float() for value in largest]).tolist()
    for name, value in zip(floating, values, strict=True):
        is_weight = weights is None or name in weights
        if math.isnan(value) or (is_weight and math.isinf(value)):
            return name
    return None


def _of_terms(terms: tuple[str, ...]) -> str:
    named = [name for name in terms if name != 'loss'] or list(terms)
    if not named:
        return 'all terms are finite'
    return f'{", ".join(named)} {"is" if len(named) == 1 else "are"} not finite'


def _of_gradients(finding: Finding) -> str:
    if not finding.gradients:
        return 'all gradients are finite'
    first, last = finding.gradients[0], finding.gradients[-1]
    return (
        f'gradients of {len(finding.gradients)} of {finding.watched} parameters are '
        f'not finite, the first {first}, the one nearest to the loss {last}'
    )


def _bad_images(batch: Mapping) -> int:
    image = batch['image']
    return int((~image.flatten(1).isfinite().all(1)).sum())


def _is_due(hook: Hook, runner) -> bool:
    interval = getattr(hook, 'interval', None)
    if not isinstance(interval, int):
        return False
    return hook.every_n_train_iters(runner, interval, getattr(hook, 'save_begin', 0))
