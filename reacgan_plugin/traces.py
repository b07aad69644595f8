"""What a run writes before its checks are through, taken back where they fail."""

from __future__ import annotations

import logging
import shutil
from contextlib import suppress
from pathlib import Path


def missing_folders(path: str | Path) -> list[Path]:
    """The folder and those above it that do not exist yet, the innermost first."""
    path = Path(path).absolute()
    return [folder for folder in (path, *path.parents) if not folder.exists()]


def take_back(runner, made: list[Path]) -> None:
    """Remove the log folder of a run that cannot begin, and those of the folders made
    for it that nobody else has written into."""
    with suppress(Exception):  # half built, or on a full disk
        runner.visualizer.close()
    _forget(getattr(runner, 'visualizer', None))
    logger = getattr(runner, 'logger', None)
    for handler in list(getattr(logger, 'handlers', ())):
        if isinstance(handler, logging.FileHandler):
            handler.close()
            logger.removeHandler(handler)
    if hasattr(runner, '_log_dir'):
        shutil.rmtree(runner._log_dir, ignore_errors=True)
    with suppress(OSError):
        for folder in made:
            folder.rmdir()  # which leaves folders alone that hold something


def _forget(visualizer) -> None:
    """mmengine gives the next run of this process a visualizer of the same name, which
    would go on writing into a folder that is gone."""
    known = getattr(type(visualizer), '_instance_dict', {})
    for name in [name for name, other in known.items() if other is visualizer]:
        del known[name]
