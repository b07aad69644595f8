"""Training that survives images which do not load."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
from mmengine.logging import print_log
from torch.utils.data import Dataset

from reacgan_plugin.data.loading import BrokenImage
from reacgan_plugin.data.subset import Subset
from reacgan_plugin.options import whole


class SkipBroken(Subset):
    """A data set where the next image of the same class stands in for a broken one.

    Without it a run stops at a broken image, which is the better choice for data that
    can be repaired. Who stands in depends on the files alone, not on processes, workers
    or where a run was resumed. The log names every broken file as it is met, once a
    worker.

    Args:
        dataset: config of a data set, or one; it has ``labels``.
        tries: how many images of a class are tried for one.

    Raises: ValueError for a data set without labels, and BrokenImage once as many
    images in a row are broken.
    """

    def __init__(self, dataset: Dataset | dict, *, tries: int = 10):
        super().__init__(dataset)
        self.tries = whole('SkipBroken: tries', tries, above=0)
        self._reasons: dict[int, str] = {}  # by index, of images met so far

    def __getitem__(self, index: int) -> dict:
        others = -1
        for candidate in self._candidates(index):
            item = self._item(candidate)
            if item is not None:
                return item
            others += 1
        raise BrokenImage(
            f'{self._reasons[index % len(self)]}; nor do the {others} images of its '
            'class that were tried instead'
        )

    def _candidates(self, index: int) -> Iterator[int]:
        """The image itself and those after it of its class, round the end."""
        first = index % len(self)
        yield first
        same = np.flatnonzero(self.labels == self.labels[first])
        place = np.searchsorted(same, first)
        for step in range(1, min(self.tries, len(same))):
            yield int(same[(place + step) % len(same)])

    def _item(self, index: int) -> dict | None:
        if index in self._reasons:
            return None
        try:
            return self.dataset[index]
        except BrokenImage as error:
            self._reasons[index] = error.reason
            # errors are what every process says, warnings the first alone
            print_log(
                f'left out: {error.reason}', logger='current', level=logging.ERROR
            )
            return None
