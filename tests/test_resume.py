"""A run that was killed and resumed is, bit for bit, the run that never was."""

from pathlib import Path

import pytest
import torch
from tiny_runs import ROOT, same_state, start

from reacgan_plugin.checkpoint import newest_checkpoint
from reacgan_plugin.train import run

CONFIG = str(ROOT / 'tests' / 'configs' / 'counted_flips.py')
BATCH = 8 * 2  # images of an iteration: two discriminator updates of eight
CHECKED = 2  # images that are decoded to check the data set before the first step


def _read(path) -> dict:
    return torch.load(path, weights_only=True)


def _count(path: Path) -> int:
    """Images decoded since the last call."""
    count = path.stat().st_size
    path.write_bytes(b'')
    return count


@pytest.fixture
def counter(tmp_path, monkeypatch) -> Path:
    path = tmp_path / 'reads'
    monkeypatch.setenv('READ_COUNTER', str(path))
    return path


def test_resuming_decodes_only_what_is_left(tmp_path, counter):
    straight, halves = tmp_path / 'straight', tmp_path / 'halves'
    short = ['--cfg-options', 'train_cfg.max_iters=4']
    assert run([CONFIG, '--work-dir', str(straight), *short]) == 0
    assert _count(counter) == 4 * BATCH + CHECKED
    half = ['--cfg-options', 'train_cfg.max_iters=3']
    assert run([CONFIG, '--work-dir', str(halves), *half]) == 0
    _count(counter)
    assert run([CONFIG, '--work-dir', str(halves), '--resume', *short]) == 0
    assert _count(counter) == 1 * BATCH + CHECKED
    first, second = _read(straight / 'iter_4.pth'), _read(halves / 'iter_4.pth')
    assert same_state(first['state_dict'], second['state_dict']) == []
    assert same_state(first['optimizer'], second['optimizer']) == []


@pytest.mark.slow
def test_a_killed_run_resumes_bit_for_bit(tmp_path, counter):
    straight, killed = tmp_path / 'straight', tmp_path / 'killed'
    workers = ['--cfg-options', 'train_dataloader.num_workers=2']
    assert start(CONFIG, '--work-dir', str(straight), *workers).wait() == 0
    process = start(CONFIG, '--work-dir', str(killed), *workers)
    for line in iter(process.stdout.readline, ''):
        if 'Saving checkpoint at 15' in line:
            break
    process.kill()
    process.wait()
    done = _read(newest_checkpoint(killed))['meta']['iter']
    assert 5 <= done < 30
    _count(counter)
    assert start(CONFIG, '--work-dir', str(killed), '--resume', *workers).wait() == 0
    ahead = 2 * 2 * BATCH  # two workers fetch two batches each beyond the last one
    left = (30 - done) * BATCH + CHECKED
    assert left <= _count(counter) <= left + ahead
    first, second = _read(straight / 'iter_30.pth'), _read(killed / 'iter_30.pth')
    assert same_state(first['state_dict'], second['state_dict']) == []
    assert same_state(first['optimizer'], second['optimizer']) == []
