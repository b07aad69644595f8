"""Memory of a long run: what an iteration makes, it frees."""

import gc
import os
from pathlib import Path

import pytest
import torch
from tiny_runs import arguments

from reacgan_plugin.loop import GANTrainLoop
from reacgan_plugin.train import run


def tensors() -> int:
    """Tensors that python holds."""
    gc.collect()
    return sum(issubclass(type(found), torch.Tensor) for found in gc.get_objects())


def megabytes() -> float:
    """What this process holds of the machine's memory."""
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 2**20


def grown(measure, tmp_path, monkeypatch, *, settled: int, iterations: int) -> float:
    """What a measure grows by between two iterations of one run."""
    found, original = {}, GANTrainLoop.run_iter

    def watched(self, data):
        original(self, data)
        if self.iter in (settled, iterations):
            found[self.iter] = measure()

    monkeypatch.setattr(GANTrainLoop, 'run_iter', watched)
    words = arguments(
        tmp_path,
        train_cfg__max_iters=iterations,
        default_hooks__checkpoint__interval=iterations + 1,
        default_hooks__logger__interval=10,
    )
    assert run(words) == 0
    return found[iterations] - found[settled]


@pytest.mark.slow
def test_memory_does_not_grow_over_2000_iterations(tmp_path, monkeypatch):
    sizes = dict(settled=500, iterations=2000)
    assert grown(megabytes, tmp_path, monkeypatch, **sizes) < 8


def test_no_tensor_outlives_its_iteration(tmp_path, monkeypatch):
    sizes = dict(settled=11, iterations=21)
    assert grown(tensors, tmp_path, monkeypatch, **sizes) == 0


def test_one_that_does_would_be_noticed(tmp_path, monkeypatch):
    kept, original = [], GANTrainLoop.run_iter

    def keeping(self, data):
        original(self, data)
        kept.append(data['image'])

    monkeypatch.setattr(GANTrainLoop, 'run_iter', keeping)
    sizes = dict(settled=11, iterations=21)
    assert grown(tensors, tmp_path, monkeypatch, **sizes) >= 10
