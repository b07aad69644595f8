"""Which image stands at which position of the training stream.

The stream is infinite and the same however many processes read it: position p holds
image ``order(p // n)[p % n]``, where order(epoch) is a permutation of the n images, or
n of them in which classes are balanced, and depends on (seed, epoch) alone. It is cut
into global micro-batches of micro_batch x world_size positions, of which rank r reads
rows [r x micro_batch, (r + 1) x micro_batch). So the ranks' rows side by side are the
batch of one process, and any place in the stream is found by arithmetic, without
decoding what came before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

from reacgan_plugin.data.balanced import balanced_order

ENDLESS = 2**62


class GlobalBatchSampler(Sampler):
    """Endless (index, position) pairs of one rank.

    Args:
        dataset_size: n, number of images.
        seed: of the run, the same on all ranks.
        micro_batch: rows that one rank reads of a global micro-batch.
        rank: of this process.
        world_size: number of processes.
        shuffle: a new permutation every epoch; else the images in order.
        labels: (n,) of all images, for an order in which every class comes equally
            often, see :func:`~reacgan_plugin.data.balanced.balanced_order`; None: each
            image comes once an epoch.
        start: global micro-batches already done, as in :meth:`start_at`.

    Raises: ValueError for an empty data set, a micro-batch below 1, a rank outside
    0..world_size-1, a negative seed or start, and for labels that are not n or not to
    be shuffled.
    """

    def __init__(
        self,
        dataset_size: int,
        *,
        seed: int,
        micro_batch: int,
        rank: int = 0,
        world_size: int = 1,
        shuffle: bool = True,
        labels: Sequence[int] | np.ndarray | None = None,
        start: int = 0,
    ):
        _at_least('dataset_size', dataset_size, 1)
        _at_least('micro_batch', micro_batch, 1)
        _at_least('seed', seed, 0)
        if not 0 <= rank < world_size:
            raise ValueError(f'rank={rank}; allowed: 0..{world_size - 1}')
        if labels is not None:
            _check_labels(labels, dataset_size, shuffle)
            labels = np.asarray(labels)
        self.dataset_size = dataset_size
        self.seed = seed
        self.micro_batch = micro_batch
        self.rank = rank
        self.world_size = world_size
        self.shuffle = shuffle
        self.labels = labels
        self.start_at(start)

    def start_at(self, micro_batches_done: int) -> None:
        """Where the next iterator begins; costs nothing, whatever the number."""
        _at_least('start', micro_batches_done, 0)
        self.start = micro_batches_done

    def __len__(self) -> int:
        """More than any run reads: mmengine's log hook asks where an epoch ends and
        would write a line there, and this stream has no such place."""
        return ENDLESS

    def __iter__(self) -> Iterator[tuple[int, int]]:
        epoch, order = None, None
        for position in self._positions():
            if position // self.dataset_size != epoch:
                epoch = position // self.dataset_size
                order = self._order(epoch)
            yield int(order[position % self.dataset_size]), position

    def _positions(self) -> Iterator[int]:
        stride = self.micro_batch * self.world_size
        first = self.start * stride + self.rank * self.micro_batch
        while True:
            yield from range(first, first + self.micro_batch)
            first += stride

    def _order(self, epoch: int) -> np.ndarray:
        """The images (n,) of one epoch."""
        if not self.shuffle:
            return np.arange(self.dataset_size)
        if self.labels is not None:
            # 0, which is none, and 1 at the end are those of permutations and flips
            random = np.random.default_rng((self.seed, epoch, 2))
            return balanced_order(self.labels, random)
        return np.random.default_rng((self.seed, epoch)).permutation(self.dataset_size)


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f'{name}={value}; allowed: {least} or more')


def _check_labels(labels, dataset_size: int, shuffle: bool) -> None:
    if len(labels) != dataset_size:
        raise ValueError(f'{len(labels)} labels for {dataset_size} images')
    if not shuffle:
        raise ValueError(
            'shuffle=False, but an order balanced by class is a random one; allowed: '
            'shuffle=True'
        )
