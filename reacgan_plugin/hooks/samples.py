"""A picture of samples, one row a class, while training goes on."""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from torchvision.utils import save_image

from reacgan_plugin.evaluation.sampling import draw_z, generate


class SampleGridHook(Hook):
    """Writes ``samples/iter_N.png`` every n iterations and at the end.

    Every picture has the same z, so that one can follow a sample through training.

    Args:
        interval: iterations between two pictures.
        per_class: samples in a row.
        max_classes: rows at most, the first classes.
        seed: of z.
    """

    priority = 'LOW'

    def __init__(
        self,
        *,
        interval: int = 500,
        per_class: int = 10,
        max_classes: int = 20,
        seed: int = 0,
    ):
        self.interval, self.per_class = interval, per_class
        self.max_classes, self.seed = max_classes, seed
        self.written: Path | None = None

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
        classes = min(runner.model.num_classes, self.max_classes)
        label = torch.arange(classes).repeat_interleave(self.per_class)
        z = draw_z(len(label), runner.model.generator.z_dim, self.seed)
        images = generate(runner.model, label, z=z).float() / 255
        path.parent.mkdir(exist_ok=True)
        save_image(images, path, nrow=self.per_class, padding=1)
        self.written = path
