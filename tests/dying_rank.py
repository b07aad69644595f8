"""A hook that kills the process of rank 1 in mid-run, as the system's out-of-memory
killer would."""

import os
import signal
import time
from pathlib import Path

from mmengine.hooks import Hook

from reacgan_plugin import distributed
from reacgan_plugin.registry import HOOKS


@HOOKS.register_module(force=True)
class DyingRankHook(Hook):
    """After three iterations; writes the time of death to ``died`` before."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if batch_idx == 3 and distributed.rank() == 1:
            Path(runner.work_dir, 'died').write_text(str(time.time()))
            os.kill(os.getpid(), signal.SIGKILL)
