import builtins
import importlib.util
from pathlib import Path

import pytest
import torch

PATH = Path(__file__).parents[2] / 'tools' / 'benchmark.py'
TINY = ['loss', '--batch', '16', '--width', '32', '--large-batch', '64']


@pytest.fixture(scope='module')
def benchmark():
    spec = importlib.util.spec_from_file_location('benchmark', PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield ['--threads', '1']
    torch.set_num_threads(before)


def test_the_table_of_conditionings_has_a_row_for_each(
    benchmark, threads, tmp_path, capsys, monkeypatch
):
    monkeypatch.syspath_prepend(PATH.parent)
    out = tmp_path / 'conditionings.md'
    words = ['conditionings', '--seconds', '0.5', '--methods', 'PD', 'Unconditional']
    benchmark.main([*words, *threads, '--out', str(out)])
    text = out.read_text()
    rows = [line for line in text.splitlines() if line.startswith('| ')]
    assert [row.split('|')[1].strip() for row in rows] == [
        'conditioning',
        'PD',
        'Unconditional',
        'real digits',
    ]
    iterations, accuracy, spread, frechet = map(float, rows[1].split('|')[2:6])
    assert iterations >= 1
    assert 0 <= accuracy <= 1
    assert min(spread, frechet) > 0
    assert '0.5 processor seconds' in text


def test_the_loss_table_has_every_row_with_a_verdict(
    benchmark, threads, tmp_path, capsys
):
    pytest.importorskip('pytorch_metric_learning')
    out = tmp_path / 'loss.md'
    benchmark.main([*TINY, '--repeats', '1', *threads, '--out', str(out)])
    text = out.read_text()
    assert text in capsys.readouterr().out
    rows = [line for line in text.splitlines() if line.startswith('| ')][1:]
    assert len(rows) == 7
    assert all(row.endswith(('| met |', '| missed |')) for row in rows)
    assert 'SupConLoss' in rows[-1]


def test_the_broadcast_form_is_the_same_loss(benchmark):
    batch = benchmark.random_batch(16, 8, 5)
    ours = benchmark.d2d_cross_entropy(*batch)
    assert torch.allclose(benchmark.broadcast_d2d_ce(*batch), ours, rtol=1e-5)


def test_the_peak_counts_what_is_held_and_forgets_what_is_released(benchmark):
    existing = torch.zeros(1000)
    with benchmark.PeakMemory(existing) as memory:
        held = existing + 1
        for _ in range(3):
            existing + 2
        view = held[:10]
    assert view.shape == (10,)
    assert memory.peak == 2 * 1000 * 4


@pytest.mark.parametrize('block_size', [None, 64])
def test_memory_of_the_loss_is_six_matrices_of_rows_by_batch(benchmark, block_size):
    batch, width = 512, 16
    peak = benchmark.peak_bytes(batch, width, block_size)
    beyond = peak - 4 * batch * width * 4
    assert beyond <= 6 * (block_size or batch) * batch * 4


def test_a_missing_library_is_named_with_its_extra(benchmark, monkeypatch):
    original = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith('pytorch_metric_learning'):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', without)
    options = benchmark.parser().parse_args(TINY)
    with pytest.raises(SystemExit, match=r'pytorch-metric-learning.*\[test\]'):
        benchmark.metric_learning_losses(options)


def test_rows_say_whether_the_goal_is_met(benchmark):
    assert benchmark.faster('a', ours=1, other=400, goal=400).met
    assert not benchmark.faster('a', ours=1, other=399, goal=400).met
    assert benchmark.smaller('a', 10, bound=10).met
    assert not benchmark.smaller('a', 11, bound=10).met
