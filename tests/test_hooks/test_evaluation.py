import json
import math
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from evaluation_parts import Quadrants
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_runs import arguments, same_state

from reacgan_plugin import train
from reacgan_plugin.config import load_config
from reacgan_plugin.evaluation.metrics import Metric
from reacgan_plugin.evaluation.result import Evaluation, Setting
from reacgan_plugin.hooks import EvaluationHook, RunningMeansHook
from reacgan_plugin.registry import METRICS, MODELS


@METRICS.register_module(force=True)
class Failing(Metric):
    better = {'never': 'less'}

    def compute(self, real, fake):
        raise ArithmeticError('no such luck')


@METRICS.register_module(force=True)
class Scripted(Metric):
    """Scores that go down and up again, one each time."""

    better = {'score': 'less'}
    scores = (5.0, 3.0, 4.0, math.nan, 3.0)

    def __init__(self, first: int = 0):
        self.place = first

    def compute(self, real, fake):
        self.place += 1
        return {'score': self.scores[self.place - 1]}


MODELS.register_module(name='Quadrants', module=Quadrants, force=True)


def words(work_dir, *flags, metrics="[dict(type='FID')]", iters=6, **options):
    hook = dict(type='EvaluationHook', interval=2, extractor=dict(type='Quadrants')) | {
        'num_images': 23,
        'cache_dir': f'{work_dir}/cache',
        **options,
    }
    written = repr(hook)[:-1] + f", 'metrics': {metrics}}}"
    overrides = dict(train_cfg__max_iters=iters, default_hooks__evaluation=written)
    return arguments(work_dir, *flags, **overrides)


def records(work_dir):
    return json.loads((work_dir / 'metrics.json').read_text())


def log_of(work_dir) -> str:
    return '\n'.join(
        path.read_text() for path in sorted(Path(work_dir).glob('*/*.log'))
    )


def best_files(work_dir) -> list[str]:
    return sorted(path.name for path in work_dir.glob('best_*'))


def saved(path) -> dict:
    return torch.load(path, weights_only=True)


@pytest.fixture(scope='module')
def run(tmp_path_factory) -> Path:
    """Five evaluations of which one metric fails."""
    folder = tmp_path_factory.mktemp('run')
    metrics = "[dict(type='Failing'), dict(type='FID'), dict(type='Scripted')]"
    sampling = dict(batch_norm='standing', std_max=4, std_step=2)
    options = dict(metrics=metrics, sampling=sampling, save_best=['score', 'never'])
    assert train.run(words(folder, iters=9, **options)) == 0
    return folder


def test_numbers_come_at_the_interval_and_at_the_end_with_what_they_depend_on(run):
    found = records(run)
    assert [record['iteration'] for record in found] == [2, 4, 6, 8, 9]
    for record in found:
        setting = record['setting']
        assert (setting['fake_images'], setting['real_images']) == (23, 1347)
        assert setting['reference'] == 'Digits train'
        assert (setting['weights'], setting['batch_norm']) == ('EMA', 'standing')


def test_numbers_are_in_the_log_and_where_tensorboard_has_them(run):
    fid = {r['iteration']: r['values']['FID'] for r in records(run)}
    assert f'evaluation at iteration 4: FID {fid[4]:.4f}' in log_of(run)
    (scalars,) = run.glob('*/vis_data/scalars.json')
    points = [json.loads(line) for line in scalars.read_text().splitlines()]
    assert {p['step']: p['val/FID'] for p in points if 'val/FID' in p} == fid
    (events,) = run.glob('*/vis_data/events.out.tfevents.*')
    board = EventAccumulator(str(events)).Reload()
    drawn = {e.step: e.value for e in board.Scalars('val/FID')}
    assert drawn == pytest.approx(fid)


class Log(list):
    def warning(self, text):
        self.append(text)


def kept(work_dir, *iterations, iter=0):
    """Iterations with a record after a run has begun, and what it logged."""
    runner = SimpleNamespace(work_dir=work_dir, iter=iter, logger=Log())
    hook = EvaluationHook([], extractor=dict(type='Quadrants'))
    hook.before_train(runner)
    setting = Setting('x', 'tf', 'x', 'x', 1, 1)
    for iteration in iterations:
        hook._keep(runner, Evaluation({}, setting), iteration)
    return [record['iteration'] for record in records(work_dir)], runner.logger


def test_a_run_keeps_no_records_of_the_one_before_it(tmp_path):
    (tmp_path / 'metrics.json').write_text(json.dumps([{'iteration': 2}]))
    assert kept(tmp_path)[0] == []
    assert kept(tmp_path, 3, 6)[0] == [3, 6]
    assert kept(tmp_path, iter=4)[0] == [3]  # resumed at 4
    assert kept(tmp_path, 6, iter=4)[0] == [3, 6]


def test_a_file_that_no_run_wrote_does_not_end_evaluations(tmp_path):
    (tmp_path / 'metrics.json').write_text('{"values": {}}')
    assert kept(tmp_path, 3)[0] == [3]


def test_a_record_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    def full(*args):
        raise OSError('disk full')

    kept(tmp_path, 3)
    monkeypatch.setattr('reacgan_plugin.hooks.evaluation.write_json', full)
    iterations, log = kept(tmp_path, 6, iter=3)
    assert iterations == [3]
    assert log == ['metrics.json lacks iteration 6: disk full']


def test_training_is_to_the_bit_what_it_is_without(run, tmp_path):
    """R11: weights are left as they were."""
    assert train.run(arguments(tmp_path, train_cfg__max_iters=9)) == 0
    first, second = (saved(folder / 'iter_9.pth') for folder in (run, tmp_path))
    for part in ('state_dict', 'optimizer'):
        assert same_state(first[part], second[part]) == []


def test_a_metric_that_fails_is_reported_and_training_goes_on(run):
    for record in records(run):
        assert 'FID' in record['values'] and 'never' not in record['values']
        assert record['failed']['Failing'] == 'ArithmeticError: no such luck'
    assert records(run)[3]['failed']['Scripted'] == 'score is nan'
    log = log_of(run)
    assert log.count('Failing failed') == log.count('Traceback') == 5


def test_the_best_checkpoint_is_kept_and_the_one_before_goes(run):
    assert best_files(run) == ['best_score_iter_4.pth']  # of 5, 3, 4, nan, 3
    best = saved(run / 'best_score_iter_4.pth')
    assert best['meta']['iter'] == 4
    assert best['bookkeeping']['best_score_score'] == 3


def test_a_run_resumed_from_its_best_keeps_the_score_and_ends_as_the_other(
    run, tmp_path
):
    copy = tmp_path / 'copy'
    shutil.copytree(run, copy)
    path = str(copy / 'best_score_iter_4.pth')
    metrics = "[dict(type='FID'), dict(type='Scripted', first=2)]"
    sampling = dict(batch_norm='standing', std_max=4, std_step=2)
    options = dict(metrics=metrics, sampling=sampling, save_best='score')
    assert train.run(words(copy, '--resume', path, iters=9, **options)) == 0
    assert best_files(copy) == best_files(run)
    ended, other = saved(copy / 'iter_9.pth'), saved(run / 'iter_9.pth')
    assert ended['bookkeeping']['best_score_score'] == 3
    assert same_state(ended['state_dict'], other['state_dict']) == []
    for ours, theirs in zip(records(copy), records(run), strict=True):
        assert ours['iteration'] == theirs['iteration']
        assert ours['values']['FID'] == theirs['values']['FID']


def test_an_evaluation_that_fails_altogether_is_reported_and_training_goes_on(
    tmp_path, monkeypatch
):
    def breaks(self, image):
        raise RuntimeError('out of memory')

    monkeypatch.setattr(Quadrants, 'forward', breaks)
    assert train.run(words(tmp_path, iters=2, save_best='FID')) == 0
    log = log_of(tmp_path)
    assert log.count('no evaluation at iteration 2') == 1
    assert 'RuntimeError: out of memory' in log and 'Traceback' in log
    assert not (tmp_path / 'metrics.json').exists() and best_files(tmp_path) == []
    assert (tmp_path / 'iter_2.pth').is_file()


def test_other_reals_may_be_named_and_the_time_is_no_training_time(
    tmp_path, monkeypatch
):
    left_out = []
    monkeypatch.setattr(
        RunningMeansHook, 'leave_out', lambda self, seconds: left_out.append(seconds)
    )
    held_out = load_config('biggan_reacgan_digits.py')[0].held_out.to_dict()
    assert train.run(words(tmp_path, iters=2, reference=held_out)) == 0
    setting = records(tmp_path)[0]['setting']
    assert (setting['reference'], setting['real_images']) == ('Digits test', 450)
    assert len(left_out) == 1 and left_out[0] > 0


@pytest.mark.parametrize('options, message', [
    (dict(save_best='FDI'), "save_best='FDI' is not known; allowed: 'FID'"),
    (dict(resizer='cleaned'), "did you mean 'clean'"),
    (dict(sampling=dict(batchnorm='ema')), "did you mean 'batch_norm'"),
    (dict(num_images=0), 'num_images=0'),
    (dict(metrics="[dict(type='FIDD')]"), "did you mean 'FID'"),
    (dict(metrics="[dict(type='KID', size=3)]"), 'metrics[0].size is no setting of'),
    (dict(reference='nowhere.npz'), 'reference nowhere.npz does not exist'),
    (dict(reference=dict(type='Digit')), "did you mean 'Digits'"),
])  # fmt: skip
def test_a_mistake_is_one_line_before_the_first_step(
    tmp_path, options, message, capsys
):
    assert train.run(words(tmp_path, **options)) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1 and message in error[0]


def test_keys_of_another_loop_are_refused_with_what_to_write_instead(tmp_path, capsys):
    assert train.run(arguments(tmp_path, val_cfg='dict()')) == 2
    error = capsys.readouterr().err
    assert 'the key val_cfg' in error and "type='EvaluationHook'" in error
