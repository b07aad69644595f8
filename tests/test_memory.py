"""Memory of a long run: what an iteration leaves behind, it frees."""

import os
from pathlib import Path

import pytest
from tiny_runs import arguments

from reacgan_plugin.loop import GANTrainLoop
from reacgan_plugin.train import run

PAGE = os.sysconf('SC_PAGE_SIZE')
MEGABYTE = 2**20


def resident() -> float:
    """Megabytes that this process holds."""
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * PAGE / MEGABYTE


def grown(tmp_path, monkeypatch, iterations: int, settled: int) -> float:
    """Megabytes between two iterations of one run."""
    found, original = {}, GANTrainLoop.run_iter

    def watched(self, data):
        original(self, data)
        found[self.iter] = resident()

    monkeypatch.setattr(GANTrainLoop, 'run_iter', watched)
    words = arguments(
        tmp_path,
        train_cfg__max_iters=iterations,
        default_hooks__checkpoint__interval=iterations,
        default_hooks__logger__interval=10,
    )
    assert run(words) == 0
    return found[iterations] - found[settled]


@pytest.mark.slow
def test_memory_does_not_grow_over_2000_iterations(tmp_path, monkeypatch):
    assert grown(tmp_path, monkeypatch, iterations=2000, settled=500) < 8


def test_memory_does_not_grow_over_a_few_iterations(tmp_path, monkeypatch):
    assert grown(tmp_path, monkeypatch, iterations=60, settled=20) < 4


def test_an_iteration_that_keeps_its_images_would_be_noticed(tmp_path, monkeypatch):
    kept, original = [], GANTrainLoop.run_iter

    def keeping(self, data):
        original(self, data)
        kept.append(data['image'].float())

    monkeypatch.setattr(GANTrainLoop, 'run_iter', keeping)
    assert grown(tmp_path, monkeypatch, iterations=100, settled=20) > 4
