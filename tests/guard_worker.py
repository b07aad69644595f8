"""Two ranks of a run in which the last one meets a fault: what each says and holds."""

from __future__ import annotations

import sys
from functools import partial

import torch
import torch._dynamo  # which DDP imports, in the forks of this process
from forks import fork_ranks
from guard_faults import spoil_term
from guarded import GuardedRun, saved
from tiny_gan import batch, state

from reacgan_plugin.distributed import (
    end_process_group,
    rank,
    start_process_group,
    world_size,
)
from reacgan_plugin.gan.faults import Diverged, RolledBack
from reacgan_plugin.gan.technique import Technique
from reacgan_plugin.hooks import GuardHook

ITERATIONS, STALL = 4, 'd/loss has stayed at 0'


class Constant(Technique):
    """A term without gradient, which is not finite in one iteration of one rank."""

    def discriminator_terms(self, judged, gan):
        is_bad = gan.iteration == 2 and rank() == 1
        return {'loss_constant': torch.tensor(torch.nan if is_bad else 1.0)}


CASES = {
    'stop': dict(policy='stop'),
    'skip': dict(policy='skip'),
    'rollback': dict(policy='rollback'),
    'constant, stop': dict(policy='stop'),
    'constant, skip': dict(policy='skip'),
    'stalled': dict(stalled='stop'),
}


def ended(name: str, folder: str) -> dict:
    """How a run ended on this rank."""
    techniques = [Constant()] if name.startswith('constant') else []
    runner = GuardedRun(folder, GuardHook(**CASES[name]), name, techniques=techniques)
    runner.model.distribute()
    saved(runner, 1)
    if name == 'stalled' and rank():
        runner.guard.stalls.found = lambda: STALL if runner.iter == 2 else None
    end = 'done'
    try:
        for iteration in range(ITERATIONS):
            if name in ('stop', 'skip', 'rollback') and rank() and iteration == 2:
                spoil_term(runner.model)
            runner.step(batch(4, seed=2 * iteration + rank()))
    except (Diverged, RolledBack) as error:
        end = f'{type(error).__name__}: {error}'
    return dict(
        end=end,
        iteration=runner.iter,
        warnings=runner.warnings,
        state=state(runner.model),
        resumed=runner.resumed,
    )


def main(folder: str) -> None:
    torch.set_num_threads(1)
    start_process_group('pytorch')
    assert world_size() == 2
    results = {name: ended(name, folder) for name in CASES}
    torch.save(results, f'{folder}/{rank()}.pt')
    end_process_group()


if __name__ == '__main__':
    fork_ranks(2, partial(main, sys.argv[1]))
