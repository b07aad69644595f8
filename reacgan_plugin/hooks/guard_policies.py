"""What a guard does about a fault: say it, stop, skip the update, or go back."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, NoReturn

import torch

from reacgan_plugin.checkpoint import BadCheckpoint, checkpoints_in, first_whole
from reacgan_plugin.evaluation.ranks import Ranks
from reacgan_plugin.gan.faults import Diverged, RolledBack
from reacgan_plugin.options import whole

WINDOW = 1000  # iterations over which skipped ones are counted


class Fault(NamedTuple):
    """Something that a guard found; the least of several is the one to tell."""

    iteration: int  # the number of the one in which it was first so
    secondhand: bool  # nothing but gradients, which processes share
    what: str  # in words that stand alone
    lasting: bool = False  # skipping updates cannot mend it


class Policy:
    """Does nothing about anything; subclasses override the points that they need."""

    # whether it has to hear of a fault before the next iteration, for which the host
    # waits for the device in each
    every_iteration = False

    def before_iteration(self, gan) -> None:
        """Called before each iteration of the model."""

    def act(self, fault: Fault, runner) -> None:
        """Called after the iteration in which a fault was found, on all processes."""


class Warn(Policy):
    """One line in the log."""

    def act(self, fault: Fault, runner) -> None:
        runner.logger.warning(fault.what)


class Stop(Policy):
    """Ends the run; nothing is saved on the way out.

    Raises: Diverged, with what was found and how to go on.
    """

    def act(self, fault: Fault, runner) -> None:
        ways = 'another --seed, or default_hooks.guard.policy=rollback'
        _end(fault.what, runner, ways)


class Skip(Policy):
    """Goes on without the update: weights and optimizers are as they were, and so are,
    from now on, running statistics and what techniques keep.

    Args:
        limit: faults within 1000 iterations; one more stops the run.

    The host waits for the device in every iteration, and all buffers are copied.
    """

    every_iteration = True

    def __init__(self, *, limit: int = 20):
        self.limit = whole('limit', limit, above=0)
        self.recent: list[int] = []
        self.kept: list[torch.Tensor] = []

    def before_iteration(self, gan) -> None:
        buffers = list(gan.buffers())
        if len(self.kept) != len(buffers):
            self.kept = [buffer.clone() for buffer in buffers]
        elif buffers:
            torch._foreach_copy_(self.kept, buffers)

    def act(self, fault: Fault, runner) -> None:
        begin = fault.iteration - WINDOW
        self.recent = [i for i in self.recent if i > begin] + [fault.iteration]
        if fault.lasting:
            _end(fault.what, runner)
        if len(self.recent) > self.limit:
            many = f'more than {self.limit} faults within {WINDOW} iterations'
            _end(f'{many}, the last: {fault.what}', runner)
        if self.kept:
            torch._foreach_copy_(list(runner.model.buffers()), self.kept)
        Warn().act(fault._replace(what=f'skipped: {fault.what}'), runner)


class Rollback(Policy):
    """Goes on from the last whole checkpoint of the run, with other random numbers:
    order of the data, their transforms, z and labels. How often it did is kept in
    checkpoints, so that a resumed run draws what it would have drawn.

    Args:
        limit: how often in a run; once more stops it.
    """

    def __init__(self, *, limit: int = 3):
        self.limit = whole('limit', limit, above=0)

    def act(self, fault: Fault, runner) -> None:
        redraws = runner.message_hub.runtime_info.get(REDRAWS, 0) + 1
        checkpoint, problems = last_checkpoint(runner)
        if checkpoint is None or redraws > self.limit:
            often = f'; rolled back {redraws - 1} times before' if redraws > 1 else ''
            _end(fault.what + often, runner)
        runner.logger.warning(
            f'{"; ".join([fault.what, *problems])}; going back to {checkpoint}, from '
            f'there on with other random numbers (time {redraws} of at most '
            f'{self.limit})'
        )
        try:
            runner.resume(str(checkpoint))
        # others take an OSError for a picture that is not written
        except (OSError, BadCheckpoint) as error:
            raise Diverged(
                f'{fault.what}; {checkpoint} is not read: {error}'
            ) from error
        runner.message_hub.update_info(REDRAWS, redraws)
        runner.call_hook('after_rollback')
        raise RolledBack


REDRAWS = 'redraws'  # in mmengine's message hub, which checkpoints take along
POLICIES = {'warn': Warn, 'stop': Stop, 'skip': Skip, 'rollback': Rollback}
NONE = Policy()


def last_checkpoint(runner) -> tuple[Path | None, list[str]]:
    """What this run has saved last or was resumed from, if it is still there and whole,
    and what is wrong with its newer ones; not what an earlier run left in the same
    folder. The first of several processes chooses."""
    return Ranks().by_first(
        lambda: first_whole(own_checkpoints(runner), OSError, BadCheckpoint)
    )


def own_checkpoints(runner) -> list[Path]:
    """Those in the work dir that this run saved or was resumed from, newest first."""
    noted = runner.message_hub.runtime_info
    names = {f'iter_{iteration}.pth' for iteration in noted.get('keep_ckpt_ids', ())}
    names.add(Path(noted.get('last_ckpt') or '').name)
    return [path for path in checkpoints_in(runner.work_dir) if path.name in names]


def _end(what: str, runner, ways: str = 'or another --seed') -> NoReturn:
    """End the run with what was found, what is left and what to do about it."""
    checkpoint, problems = last_checkpoint(runner)
    if checkpoint is None:
        none = 'no whole checkpoint' if problems else 'no checkpoint'
        why = f': {"; ".join(problems)}' if problems else ''
        left = f'{runner.work_dir} has {none} of this run{why}; begin anew'
    else:
        left = (
            f'The last good checkpoint is {checkpoint}; a run repeats bit by bit, so '
            'go on from it'
        )
    raise Diverged(f'{what}. {left} with a lower learning rate, {ways}')
