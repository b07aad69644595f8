import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.hooks import LoggerHook
from mmengine.logging import MessageHub
from tiny_runs import arguments, start

from reacgan_plugin.hooks.metrics_file import MetricsFileHook, read_metrics
from reacgan_plugin.train import run

HOOK = "[dict(type='MetricsFileHook')]"


@pytest.fixture
def runner(tmp_path, request):
    hub = MessageHub(request.node.name)
    return SimpleNamespace(
        work_dir=str(tmp_path), message_hub=hub, hooks=[LoggerHook(interval=2)], iter=0
    )


def started(runner, iteration=0):
    runner.iter = iteration
    hook = MetricsFileHook()
    hook.before_train(runner)
    return hook


def rows_of(runner):
    return read_metrics(f'{runner.work_dir}/metrics.jsonl')


def test_scalars_of_the_log_line_are_written_at_its_interval(runner):
    hook, hub = started(runner), runner.message_hub
    for index in range(5):
        hub.update_scalar('train/d/loss', 10 * index)
        hub.update_scalar('train/time', index)
        hub.update_scalar('iteration', index)  # no scalar of the line
        hook.after_train_iter(runner, index)
    assert rows_of(runner) == [
        {'iteration': 2, 'd/loss': 10, 'time': 0.5},  # the time is a mean
        {'iteration': 4, 'd/loss': 30, 'time': 2.5},
    ]


def test_metrics_and_diagnostics_are_written_too(runner):
    hook = started(runner)
    metrics = {'fid': np.float32(2.5), 'name': 'no number', 'rows': 3}
    hook.after_evaluation(runner, iteration=7, metrics=metrics)
    runner.iter = 8
    hook.after_val_epoch(runner, metrics={'fid': 1.5})
    hook.after_val_epoch(runner)  # nothing to say
    hook.after_diagnostics(runner, iteration=9, scalars={'diagnostics/x': math.nan})
    assert rows_of(runner) == [
        {'iteration': 7, 'val/fid': 2.5, 'val/rows': 3},
        {'iteration': 8, 'val/fid': 1.5},
        {'iteration': 9, 'diagnostics/x': None},
    ]


def test_a_resumed_run_goes_on_without_doubles_and_without_cut_lines(runner, tmp_path):
    path = tmp_path / 'metrics.jsonl'
    rows = [{'iteration': n, 'x': n} for n in (2, 4, 6)]
    path.write_text('\n'.join(map(json.dumps, rows)) + '\n{"iteration": 8, "x"')
    hook = started(runner, iteration=4)
    hook.after_diagnostics(runner, iteration=6, scalars={'x': 60})
    assert rows_of(runner) == [*rows[:2], {'iteration': 6, 'x': 60}]
    assert all(map(json.loads, path.read_text().splitlines()))


def test_a_run_from_the_start_starts_the_file_anew(runner, tmp_path):
    (tmp_path / 'metrics.jsonl').write_text('{"iteration": 1}\n')
    started(runner)
    assert rows_of(runner) == []


def test_only_whole_lines_with_an_iteration_are_read(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    assert read_metrics(path) == []
    path.write_text('{"iteration": 1}\n[1]\n{"x": 2}\n\n{"iteration": 3}\n{"iter')
    assert read_metrics(path) == [{'iteration': 1}, {'iteration': 3}]


def test_other_ranks_write_nothing(runner, tmp_path, monkeypatch):
    monkeypatch.setattr('mmengine.dist.utils.get_rank', lambda group=None: 1)
    hook = started(runner)
    hook.after_diagnostics(runner, iteration=1, scalars={'x': 1})
    assert not (tmp_path / 'metrics.jsonl').exists()


def test_a_run_in_two_parts_has_the_lines_of_one(tmp_path):
    straight, halves = tmp_path / 'straight', tmp_path / 'halves'
    options = dict(hooks=True, custom_hooks=HOOK, default_hooks__logger__interval=1)
    assert run(arguments(straight, **options)) == 0
    assert run(arguments(halves, train_cfg__max_iters=2, **options)) == 0
    # as a kill after the last checkpoint leaves it
    with open(halves / 'metrics.jsonl', 'a') as file:
        file.write('{"iteration": 3, "d/loss": 0}\n{"iteration"')
    assert run(arguments(halves, '--resume', **options)) == 0
    first, second = (read_metrics(p / 'metrics.jsonl') for p in (straight, halves))
    assert [row['iteration'] for row in second] == [1, 2, 3, 4]
    for one, other in zip(first, second, strict=True):
        for name in ('d/loss', 'g/loss', 'generator.lr'):
            assert one[name] == other[name]


@pytest.mark.slow
def test_a_kill_leaves_whole_lines(tmp_path):
    options = dict(hooks=True, custom_hooks=HOOK, default_hooks__logger__interval=1)
    process = start(*arguments(tmp_path, train_cfg__max_iters=10_000, **options))
    for line in iter(process.stdout.readline, ''):
        if ' 20/10000]' in line:
            break
    process.kill()
    process.wait()
    lines = (tmp_path / 'metrics.jsonl').read_text().splitlines(keepends=True)
    assert len(lines) >= 19
    assert all(line.endswith('\n') and json.loads(line) for line in lines)
