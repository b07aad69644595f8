"""Work dirs as runs leave them, without the runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from reacgan_plugin.checkpoint import write_checkpoint

CONFIG = dict(
    total_batch_size=8,
    train_cfg=dict(max_iters=40),
    randomness=dict(seed=3),
    train_dataloader=dict(dataset=dict(type='Digits', split='train', pipeline=[])),
    model=dict(type='ConditionalGAN', loss=dict(type='D2DCE', margin='<0.9>')),
)
LOG = """\
2026/11/25 10:00:00 - mmengine - INFO - reacgan_plugin 0.1.0, torch 2.14, cpu, seed 3
2026/11/25 10:00:01 - mmengine - INFO - Iter(train) [10/40]
2026/11/25 10:00:09 - mmengine - INFO - results
samples   work_dirs/x/samples
probe accuracy       samples  0.999 & real
2026/11/25 10:00:10 - mmengine - INFO - done
"""


def write_rows(folder: Path, rows: list[dict]) -> None:
    """``metrics.jsonl``."""
    text = ''.join(json.dumps(row) + '\n' for row in rows)
    (folder / 'metrics.jsonl').write_text(text)


def scalar_rows(iterations=range(10, 50, 10)) -> list[dict]:
    """Losses, diagnostics and a metric of a run of 40 iterations."""
    rows = []
    for i in iterations:
        losses = {'d/loss': 1 / i, 'd/loss_conditioning': 0.5 / i, 'g/loss': i}
        rows.append({'iteration': i, **losses, 'generator.lr': 1e-4, 'time': 0.1})
        rows.append({'iteration': i, 'diagnostics/feature_norm': float(i)})
    rows.append({'iteration': 40, 'val/FID': 12.345, 'val/IS': None})
    return rows


def write_run(folder: Path, *, grids=(10, 40), side: int = 33) -> Path:
    """A run with everything that a report shows, but for weights."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder, scalar_rows())
    (folder / 'samples').mkdir()
    for iteration in grids:
        pixels = np.full((side, side, 3), iteration % 256, np.uint8)
        Image.fromarray(pixels).save(folder / 'samples' / f'iter_{iteration:06d}.png')
    meta = dict(iter=40, version='0.1.0', seed=3, config=json.dumps(CONFIG))
    write_checkpoint({'meta': meta, 'x': torch.zeros(1)}, folder / 'iter_40.pth')
    (folder / '20261125_100000').mkdir()
    (folder / '20261125_100000' / '20261125_100000.log').write_text(LOG)
    return folder
