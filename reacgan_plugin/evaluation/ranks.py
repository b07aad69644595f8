"""Work shared out over processes: whoever fails, all learn of it, and none waits in
vain.

Ranks talk over a group of their own on the host, so that one may compute for an hour
while the others wait, which a GPU's group takes for a hang.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import numpy as np
from torch import Tensor
from torch import distributed as dist

from reacgan_plugin import distributed

PATIENCE = timedelta(days=1)
T = TypeVar('T')


class RankFailed(RuntimeError):
    """Another process could not do its share."""


class Ranks:
    """This process among those that evaluate; all must make one at the same time."""

    def __init__(self):
        self.rank, self.count = distributed.rank(), distributed.world_size()
        self.group = None
        if self.count > 1:
            self.group = dist.new_group(backend='gloo', timeout=PATIENCE)

    @property
    def is_first(self) -> bool:
        """Whether rows come together and metrics are computed here."""
        return self.rank == 0

    def shares(self, parts: Sequence[T]) -> list[Sequence[T]]:
        """Parts of each rank, dealt out in turn."""
        return [parts[rank :: self.count] for rank in range(self.count)]

    def together(self, work: Callable[[], T]) -> T:
        """What ``work`` gives, which holds no collective; every rank calls this.

        Raises: the error of ``work``, and RankFailed on the ranks where it did well.
        """
        result, error = None, None
        try:
            result = work()
        except Exception as caught:
            error = caught
        problems = [error and f'{type(error).__name__}: {error}']
        if self.group is not None:
            found: list = [None] * self.count
            dist.all_gather_object(found, problems[0], group=self.group)
            problems = found
        if error is not None:
            raise error
        for rank, problem in enumerate(problems):
            if problem is not None:
                raise RankFailed(f'rank {rank}: {problem}')
        return result

    def by_first(self, work: Callable[[], T]) -> T:
        """What ``work`` gives on the first rank, where alone it runs; plain data.

        Raises: as :meth:`together`.
        """
        result = self.together(lambda: work() if self.is_first else None)
        if self.group is not None:
            shared = [result]
            dist.broadcast_object_list(shared, src=0, group=self.group)
            result = shared[0]
        return result

    def collected(
        self, own: Tensor | None, places: Sequence[np.ndarray]
    ) -> Tensor | None:
        """Rows of all ranks in order, on the first one; None on the others.

        Args:
            own: rows of this rank, on the CPU; None where it has none.
            places: for each rank, where its rows belong; the first one has some, or
                None on every rank.
        """
        if own is None or self.count == 1:
            return own
        if not self.is_first:
            if len(own):
                dist.send(own.contiguous(), 0, group=self.group)
            return None
        rows = own.new_empty(sum(map(len, places)), *own.shape[1:])
        rows[places[0]] = own
        for rank, place in enumerate(places[1:], start=1):
            if len(place):
                part = own.new_empty(len(place), *own.shape[1:])
                dist.recv(part, rank, group=self.group)
                rows[place] = part
        return rows
