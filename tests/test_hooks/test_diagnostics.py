import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tiny_runs import arguments, same_state
from torch import nn

from reacgan_plugin.hooks import diagnostics
from reacgan_plugin.hooks.diagnostics import DiagnosticsHook
from reacgan_plugin.hooks.metrics_file import read_metrics
from reacgan_plugin.train import run

HOOKS = 'reacgan_plugin.hooks'
WATCHED = (
    f"[dict(type='{HOOKS}.diagnostics.DiagnosticsHook', interval=2),"
    f" dict(type='{HOOKS}.metrics_file.MetricsFileHook')]"
)


class FakeRunner:
    """Records what a hook hands out."""

    def __init__(self):
        self.model, self.written, self.said, self.called = None, [], [], []
        self.visualizer = SimpleNamespace(add_scalars=self.write)
        self.logger = SimpleNamespace(info=self.said.append)

    def write(self, scalars, step):
        self.written.append((step, scalars))

    def call_hook(self, name, **arguments):
        self.called.append((name, arguments))


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """The same run with diagnostics and without."""
    folders = {}
    for name, hooks in (('with', WATCHED), ('without', '[]')):
        folder = folders[name] = tmp_path_factory.mktemp(name)
        words = arguments(folder, hooks=True, custom_hooks=hooks, model__amp='bf16')
        assert run(words) == 0
    return folders


def test_a_run_is_the_same_to_the_bit_with_and_without_diagnostics(runs):
    watched, unwatched = (torch.load(runs[n] / 'iter_4.pth') for n in runs)
    for part in ('state_dict', 'optimizer'):
        assert same_state(watched[part], unwatched[part]) == []


def test_every_look_is_in_the_file_in_the_log_and_on_tensorboard(runs):
    rows = read_metrics(runs['with'] / 'metrics.jsonl')
    looks = [row for row in rows if 'diagnostics/feature_norm' in row]
    assert [row['iteration'] for row in looks] == [2, 4]
    assert all(value is not None for row in looks for value in row.values())
    (log,) = runs['with'].glob('*/*.log')
    lines = re.findall(r'diagnostics of iteration (\d)  feature_norm', log.read_text())
    assert lines == ['2', '4']
    (events,) = Path(runs['with']).glob('*/vis_data/events*')
    assert b'diagnostics/positive_cosine' in events.read_bytes()


def test_the_log_line_is_as_long_as_without(runs):
    lines = {}
    for name, folder in runs.items():
        (log,) = folder.glob('*/*.log')
        lines[name] = re.findall(r'Iter\(train\).*', log.read_text())
    for watched, unwatched in zip(lines['with'], lines['without'], strict=True):
        assert len(watched.split()) == len(unwatched.split())


def test_losses_and_diagnostics_share_the_file(runs):
    rows = [
        json.loads(line)
        for line in (runs['with'] / 'metrics.jsonl').read_text().splitlines()
    ]
    assert [row['iteration'] for row in rows] == [2, 2, 4, 4]
    losses = [row for row in rows if 'd/loss' in row]
    assert len(losses) == 2
    assert {'g/loss', 'generator.lr', 'time', 'images_per_second'} < set(losses[0])


def test_between_two_looks_nothing_is_done(monkeypatch):
    looks = []

    def diagnose(model, data):
        looks.append(data)
        return {'a': torch.tensor(1.5), 'b': torch.tensor(torch.nan)}

    monkeypatch.setattr(diagnostics, 'diagnose', diagnose)
    hook, runner = DiagnosticsHook(interval=3), FakeRunner()
    for index in range(7):
        hook.before_train_iter(runner, index, data_batch=index)
    assert looks == [2, 5]
    assert [step for step, _ in runner.written] == [3, 6]
    assert runner.written[0][1]['diagnostics/a'] == 1.5
    name, arguments = runner.called[1]
    assert name == 'after_diagnostics'
    assert arguments['iteration'] == 6
    assert runner.said[0] == 'diagnostics of iteration 3  a: 1.5  b: nan'


def test_another_model_is_refused_before_training():
    runner = SimpleNamespace(model=nn.Linear(1, 1))
    with pytest.raises(ValueError, match='reads a ConditionalGAN; found a Linear'):
        DiagnosticsHook().before_run(runner)


def test_an_interval_below_one_is_refused():
    with pytest.raises(ValueError, match='interval=0 is out of range'):
        DiagnosticsHook(interval=0)
