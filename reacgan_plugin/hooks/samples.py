"""A picture of samples, one row a class, while training goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from torchvision.utils import save_image

from reacgan_plugin.evaluation.sampling import draw_images
from reacgan_plugin.options import counts, in_range, whole
from reacgan_plugin.sampling.classes import class_indices


class SampleGridHook(Hook):
    """Writes ``samples/iter_N.png`` every n iterations and at the end.

    Every picture has the same z, so that one can follow a sample through training.

    Args:
        interval: iterations between two pictures.
        per_class: samples in a row.
        classes: numbers or names of those that get a row; None: the first ones.
        max_classes: rows at most where ``classes`` are not given.
        truncation: as of :func:`~reacgan_plugin.evaluation.sampling.draw_images`.
        seed: of z.

    Raises: ValueError for a truncation that is not above 0, and, before training, for
    classes that do not exist.
    """

    priority = 'LOW'

    def __init__(
        self,
        *,
        interval: int = 500,
        per_class: int = 10,
        classes: Sequence[int | str] | None = None,
        max_classes: int = 20,
        truncation: float | None = None,
        seed: int = 0,
    ):
        counts(interval=interval, per_class=per_class, max_classes=max_classes)
        self.interval, self.per_class = interval, per_class
        self.classes, self.max_classes = classes, max_classes
        self.seed = whole('seed', seed, above=-1)
        if truncation is not None:
            in_range('truncation', truncation, above=0)
        self.truncation = truncation
        self.written: Path | None = None

    def before_run(self, runner) -> None:
        """Look the classes up now, where a mistake costs nothing."""
        self._shown(runner)

    def after_train_iter(
        self, runner, batch_idx: int, data_batch=None, outputs: dict | None = None
    ) -> None:
        if self.every_n_inner_iters(batch_idx, self.interval):
            self._write(runner, batch_idx + 1)

    def after_train(self, runner) -> None:
        self._write(runner, runner.iter)

    @master_only
    def _write(self, runner, iteration: int) -> None:
        path = Path(runner.work_dir, 'samples', f'iter_{iteration:06d}.png')
        if path == self.written:
            return
        label = torch.tensor(self._shown(runner)).repeat_interleave(self.per_class)
        images = draw_images(
            runner.model, label, seed=self.seed, truncation=self.truncation
        )
        path.parent.mkdir(exist_ok=True)
        save_image(images / 255, path, nrow=self.per_class, padding=1)
        self.written = path

    def _shown(self, runner) -> list[int]:
        """The classes that get a row."""
        count = runner.model.num_classes
        if self.classes is None:
            return list(range(min(count, self.max_classes)))
        wanted = [str(name) for name in self.classes]
        return class_indices(wanted, runner.class_names(), count)
