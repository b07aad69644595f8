"""A run that is built, and loads what it starts from, but neither trains nor writes."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from mmengine.hooks import CheckpointHook
from mmengine.logging import MMLogger
from mmengine.visualization import Visualizer

from reacgan_plugin.runner import GANRunner
from reacgan_plugin.signatures import is_of

KNOWN = (
    'reacgan_plugin',
    'mmengine',
)  # whose hooks write nothing before the first step


class CheckRunner(GANRunner):
    """A training run's runner, for its errors and its numbers alone."""

    def __init__(self, *args, work_dir: str, **options):
        with TemporaryDirectory() as folder:  # mmengine makes it, and one for logs
            super().__init__(*args, work_dir=folder, **options)
        self._work_dir = str(Path(work_dir).absolute())

    def begin(self) -> None:
        """Let hooks look up what they need; those of users may begin to write."""
        for hook in self.hooks:
            if is_of(type(hook), KNOWN):
                hook.before_run(self)

    @property
    def checkpoint_hook(self) -> CheckpointHook | None:
        """The hook that saves."""
        return next((h for h in self.hooks if isinstance(h, CheckpointHook)), None)

    def build_logger(self, *args, **options) -> MMLogger:
        return MMLogger.get_instance(self._experiment_name, log_level='ERROR')

    def build_visualizer(self, visualizer=None) -> Visualizer:
        return Visualizer.get_instance(self._experiment_name)
