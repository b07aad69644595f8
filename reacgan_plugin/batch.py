"""How a total batch size, the paper's number, is shared out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Batch:
    """Rows of one update over all processes, and how a process takes its part.

    Args:
        total: real images in one discriminator update, over all processes.
        world_size: number of processes.
        accumulation: micro-batches in an update.
        d_updates: discriminator updates in an iteration.

    Raises: ValueError naming the nearest total when it does not divide.
    """

    total: int
    world_size: int = 1
    accumulation: int = 1
    d_updates: int = 1

    def __post_init__(self):
        for name in ('total', 'accumulation', 'd_updates'):
            if getattr(self, name) < 1:
                key = 'total_batch_size' if name == 'total' else f'model.{name}'
                raise ValueError(f'{key}={getattr(self, name)}; allowed: 1 or more')
        parts = self.world_size * self.accumulation
        if self.total >= parts and self.total % parts == 0:
            return
        below = self.total // parts * parts
        above = below + parts
        nearest = (
            above if below == 0 or above - self.total < self.total - below else below
        )
        raise ValueError(
            f'total_batch_size={self.total} does not divide by {self.world_size} '
            f'processes x {self.accumulation} accumulation steps = {parts}; '
            f'the nearest that does is {nearest}'
        )

    @property
    def micro_batch(self) -> int:
        """Rows of one process in one forward pass."""
        return self.total // (self.world_size * self.accumulation)

    @property
    def micro_batches(self) -> int:
        """Micro-batches that one process reads in an iteration."""
        return self.accumulation * self.d_updates

    @property
    def images_per_iteration(self) -> int:
        """Real images that an iteration reads, over all processes."""
        return self.total * self.d_updates
