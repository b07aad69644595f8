"""The closing words of a run on small images: how good are the samples?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook

from reacgan_plugin.evaluation.reals import images_and_labels
from reacgan_plugin.evaluation.report import format_report, probe_report
from reacgan_plugin.evaluation.sampling import as_arrays, draw_z, generate
from reacgan_plugin.options import counts, whole
from reacgan_plugin.registry import DATASETS, build


class ProbeReportHook(Hook):
    """Prints where the results are and what a probe classifier says of the samples.

    Args:
        train: config of the data set that the probe learns from; no augmentation.
        held_out: config of one that neither probe nor generator has seen.
        per_class: samples judged of each class.
        seed: of z and of the probe.
    """

    priority = 'VERY_LOW'

    def __init__(
        self, train: dict, held_out: dict, *, per_class: int = 90, seed: int = 1
    ):
        self.train, self.held_out = train, held_out
        counts(per_class=per_class)
        self.per_class, self.seed = per_class, whole('seed', seed, above=-1)

    def before_run(self, runner) -> None:
        """Build the data sets now, where a mistake costs nothing."""
        self.train = build(DATASETS, self.train)
        self.held_out = build(DATASETS, self.held_out)

    @master_only
    def after_train(self, runner) -> None:
        model = runner.model
        label = torch.arange(model.num_classes).repeat_interleave(self.per_class)
        z = draw_z(len(label), model.generator.z_dim, self.seed)
        report = probe_report(
            images_and_labels(self.train),
            images_and_labels(self.held_out),
            as_arrays(generate(model, label, z=z)),
            label.numpy(),
            seed=self.seed,
        )
        lines = [
            f'samples   {Path(runner.work_dir, "samples")}',
            f'curves    {Path(runner.work_dir, "curves.png")}',
            *_speed(runner.message_hub),
            format_report(report),
        ]
        runner.logger.info('\n'.join(['results', *lines]))


def _speed(message_hub) -> list[str]:
    speeds = message_hub.log_scalars.get('train/images_per_second')
    if speeds is None:
        return []
    return [f'speed     {np.median(speeds.data[0]):.0f} real images/s']
