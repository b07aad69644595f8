"""The checkpoint with the best score so far."""

from __future__ import annotations

import math
import operator
from pathlib import Path

from reacgan_plugin import distributed

BETTER = {'less': operator.lt, 'greater': operator.gt}


class BestCheckpoint:
    """Keeps ``best_NAME_iter_N.pth``, by which training may be resumed, too.

    The score and the file's name are in the message hub under names that every
    checkpoint takes along, so that a resumed run goes on from there.

    Args:
        name: of the number.
        better: ``'less'`` or ``'greater'``.
    """

    def __init__(self, name: str, better: str):
        self.name, self.better = name, BETTER[better]

    def update(self, runner, score: float, iteration: int) -> None:
        """Save if the score is the best, from a hook after the iteration of this
        number; every rank calls it. The file before is removed when this one is there.
        """
        hub = runner.message_hub
        score_key, file_key = f'best_score_{self.name}', f'best_ckpt_{self.name}'
        before = hub.runtime_info.get(score_key)
        if not math.isfinite(score):
            return
        if before is not None and not self.better(score, before):
            return
        path = Path(runner.work_dir, f'best_{self.name}_iter_{iteration}.pth')
        previous = hub.runtime_info.get(file_key)
        noted = {score_key: before, file_key: previous}
        hub.update_info(score_key, float(score))  # which the file takes along
        hub.update_info(file_key, path.name)
        if distributed.rank() == 0:
            try:
                runner.save_checkpoint(runner.work_dir, path.name)
            except OSError:
                hub.update_info_dict(noted)  # the file before is still the best one
                raise
            if previous not in (None, path.name):
                path.with_name(previous).unlink(missing_ok=True)
            runner.logger.info(f'best {self.name} so far: {score:.4f}, in {path}')
