"""A run goes on with another number of processes as if it had had it from the start."""

import subprocess
import sys

import pytest
import torch
from tiny_runs import ROOT, environment

CONFIG = str(ROOT / 'tests' / 'configs' / 'rank_record.py')
MICRO_BATCHES = 4  # of the config: two updates, each accumulated over two


def trained(work, iterations: int, processes: int, *flags: str) -> list[dict]:
    """What the ranks of a run recorded at its end."""
    command = ['bash', str(ROOT / 'tools' / 'dist_train.sh'), CONFIG, str(processes)]
    limit = ['--cfg-options', f'train_cfg.max_iters={iterations}']
    ended = subprocess.run(
        [*command, '--work-dir', str(work), *flags, *limit],
        env={**environment(), 'PYTHON': sys.executable},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return [torch.load(work / f'rank{rank}.pt') for rank in range(processes)]


def micro_batches(ranks: list[dict]) -> torch.Tensor:
    """Images of the last iteration over all ranks: (micro-batches, rows, 3, H, W)."""
    parts = [rank['image'].unflatten(0, (MICRO_BATCHES, -1)) for rank in ranks]
    return torch.cat(parts, dim=1)


@pytest.mark.slow
@pytest.mark.parametrize('before, after', [(1, 2), (2, 1)])
def test_images_go_on_where_they_stopped(tmp_path, before, after):
    whole = micro_batches(trained(tmp_path / 'whole', 3, 1))
    trained(tmp_path / 'parts', 2, before)
    resumed = micro_batches(trained(tmp_path / 'parts', 3, after, '--resume'))
    assert torch.equal(resumed, whole)
