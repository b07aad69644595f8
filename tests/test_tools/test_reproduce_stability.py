"""Runs of seconds by a clock of steps, in networks of the least width."""

import itertools
import json
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import reproduce_stability
import stability_figures as figures
import stability_runs
import torch
from PIL import Image
from stability_judge import Judge
from torch import nn

import reacgan_plugin.components  # before anything is added  # noqa: F401

SLOW = pytest.mark.slow


class FakeJudge:
    """Says how often it was asked."""

    real = dict(accuracy=0.99, spread=1.0, frechet=0.1)

    def __init__(self):
        self.asked = 0

    def judge(self, model):
        self.asked += 1
        return dict(accuracy=self.asked / 100, spread=0.5, frechet=1 / self.asked)


@pytest.fixture
def tiny(monkeypatch):
    """A step takes one second of this clock, a measurement as many as it likes."""
    plain, clock = stability_runs.configured, itertools.count()

    def configured(data):
        config = plain(data)
        config.merge_from_dict(
            {
                'total_batch_size': 4,
                'model.generator.base_channels': 2,
                'model.discriminator.base_channels': 4,
                'model.generator.z_dim': 8,
                'model.generator.shared_dim': 4,
            }
        )
        return config

    fake_time = SimpleNamespace(process_time=lambda: float(next(clock)))
    monkeypatch.setattr(stability_runs, 'configured', configured)
    monkeypatch.setattr(stability_runs, 'time', fake_time)
    monkeypatch.setattr(stability_runs, 'WATCHED_EVERY', 4)
    monkeypatch.setattr(stability_runs, 'EVALUATIONS', 3)
    monkeypatch.setattr(stability_runs, 'judge_of', lambda data: FakeJudge())


def spec(name='AC', *, seconds=6.0, seed=0, data='digits'):
    loss = {**reproduce_stability.METHODS, **reproduce_stability.FORMULAS}[name]
    return stability_runs.Spec(name, loss, data, seed, seconds, threads=1)


def words(*more, out):
    return [*more, '--out', str(out)]


def test_a_run_is_watched_judged_and_written(tiny, tmp_path):
    judge, one = FakeJudge(), spec()
    found = stability_runs.run(one, tmp_path, judge)
    assert json.loads(one.path(tmp_path).read_text()) == json.loads(json.dumps(found))
    assert (found['finished'], found['iterations'], found['seed']) == (True, 6, 0)
    assert [row['iteration'] for row in found['diagnostics']] == [0, 4]
    assert all(set(stability_runs.KEPT[:4]) <= set(r) for r in found['diagnostics'])
    assert [row['iteration'] for row in found['evaluations']] == [2, 4, 6]
    assert [row['seconds'] for row in found['evaluations']] == [2, 4, 6]
    assert judge.asked == 3


def test_all_methods_start_from_the_same_features(tiny, tmp_path):
    first = [
        stability_runs.run(spec(name, seconds=1.0), tmp_path, FakeJudge())
        for name in ('AC', 'AC, normalised features', 'D2D-CE', 'PD')
    ]
    norms = {result['diagnostics'][0]['feature_norm'] for result in first}
    assert len(norms) == 1
    gradients = [figures.class_gradient(r['diagnostics'][0]) for r in first]
    assert len(set(gradients)) == 4
    other = stability_runs.run(spec(seconds=1.0, seed=1), tmp_path, FakeJudge())
    assert other['diagnostics'][0]['feature_norm'] not in norms


def test_a_hundred_classes_of_pairs_train_too(tiny, tmp_path):
    found = stability_runs.run(spec(seconds=1.0, data='pairs'), tmp_path, FakeJudge())
    assert found['finished']
    assert stability_runs.configured('pairs').model.num_classes == 100


def test_a_killed_run_keeps_what_it_has_and_starts_again(tiny, tmp_path, monkeypatch):
    class Impatient(FakeJudge):
        def judge(self, model):
            if self.asked == 2:
                raise KeyboardInterrupt
            return super().judge(model)

    one = spec()
    with pytest.raises(KeyboardInterrupt):
        stability_runs.run(one, tmp_path, Impatient())
    left = stability_runs.read(one.path(tmp_path))
    assert (left['finished'], len(left['evaluations'])) == (False, 2)
    ((_, found),) = stability_runs.results([one], tmp_path)
    assert found['finished']
    monkeypatch.setattr(stability_runs, 'run', None)  # nothing is run again
    assert list(stability_runs.results([one], tmp_path)) == [
        (one, stability_runs.read(one.path(tmp_path)))
    ]


def test_runs_of_other_lengths_and_seeds_have_files_of_their_own(tmp_path):
    specs = [spec(), spec(seconds=7.0), spec(seed=1), spec(data='pairs'), spec('PD')]
    assert len({one.path(tmp_path) for one in specs}) == len(specs)


def finished(one) -> dict:
    return dict(one._asdict(), finished=True, diagnostics=[], evaluations=[], of='old')


@pytest.mark.parametrize('other', [
    dict(threads=2),
    dict(seconds=6.0001),  # of the same name
    dict(loss=dict(type='AC', loss_weight=0.25)),
])  # fmt: skip
def test_a_run_of_another_set_up_is_neither_taken_nor_overwritten(
    tmp_path, monkeypatch, other
):
    old, new = spec(), spec()._replace(**other)
    path = old.path(tmp_path)
    stability_runs.write(finished(old), path)
    assert new.path(tmp_path) != path == old.path(tmp_path)
    monkeypatch.setattr(stability_runs, 'judge_of', lambda data: FakeJudge())
    monkeypatch.setattr(stability_runs, 'run', lambda *args: dict(of='new'))
    assert list(stability_runs.results([new], tmp_path)) == [(new, dict(of='new'))]
    assert stability_runs.read(path)['of'] == 'old'
    stability_runs.write(finished(new), new.path(tmp_path))
    (found,) = stability_runs.results([new], tmp_path)
    assert found[1]['finished'] and len(list(tmp_path.iterdir())) == 2
    (found,) = stability_runs.results([old], tmp_path)
    assert found[1]['loss'] == old.loss


def test_the_judge_tells_digits_from_noise_and_travels(digits):
    judge, images, labels = digits

    class Drawing(nn.Module):
        """Shows real digits of the classes asked for."""

        num_classes, generator = 10, SimpleNamespace(z_dim=2)

        def __init__(self, noise):
            super().__init__()
            self.noise = nn.Parameter(torch.tensor(noise))

        def forward(self, z, label):
            rows = [
                np.flatnonzero(labels == int(y))[i % 30] for i, y in enumerate(label)
            ]
            image = torch.from_numpy(images[rows]).permute(0, 3, 1, 2) / 127.5 - 1
            return image + self.noise * torch.randn_like(image)

    real, noise = (judge.judge(Drawing(n)) for n in (0.0, 5.0))
    assert real['accuracy'] > 0.97
    assert real['frechet'] < 0.3 < 3 < noise['frechet']
    assert noise['accuracy'] < 0.5
    assert judge.real['accuracy'] > 0.97
    assert pickle.loads(pickle.dumps(judge)).judge(Drawing(0.0)) == real


@pytest.fixture(scope='module')
def digits():
    from reacgan_plugin.evaluation.reals import images_and_labels

    config = stability_runs.configured('digits')
    judge = Judge(config.train_dataloader.dataset, config.held_out)
    return judge, *images_and_labels(config.held_out)


def test_what_is_run_and_how_long_by_default():
    def specs(*more):
        return reproduce_stability.specs_of(
            reproduce_stability.parse_arguments([*more])
        )

    methods = specs()
    assert [(one.name, one.seed) for one in methods[:5]] == [
        *((name, 0) for name in reproduce_stability.METHODS),
        ('AC', 1),
    ]
    assert len(methods) == 12
    assert {one.seconds for one in methods} == {180}
    assert [one.loss['formula'] for one in specs('--formulas')[1:]] == ['studiogan']
    grid = specs('--grid')
    pairs = {(one.loss['margin'], one.loss['temperature']) for one in grid}
    assert len(grid) == len(pairs) == 9
    assert {one.seconds for one in grid} == {60}
    assert len(specs('--grid', '--seeds', '2', '--seconds', '3')) == 18
    chosen = specs('--only', 'D2D-CE', 'AC', '--seeds', '1')
    assert [one.name for one in chosen] == ['AC', 'D2D-CE']


@pytest.mark.parametrize('what', ['formulas', pytest.param('grid', marks=SLOW)])
def test_the_command_leaves_a_figure_and_a_table(tiny, tmp_path, capsys, what):
    command = words(f'--{what}', '--seconds', '1', '--seeds', '1', out=tmp_path)
    assert reproduce_stability.main(command) == 0
    said = capsys.readouterr().out
    count = len(reproduce_stability.COMPARISONS[what][0])
    assert f'{count}/{count}' in said
    text = (tmp_path / f'digits_{what}.md').read_text()
    assert text in said
    assert len(text.splitlines()) == count + 5
    width, height = Image.open(tmp_path / f'digits_{what}.png').size
    assert width > 900 and height > 400
    assert len(list((tmp_path / 'runs').glob('*.json'))) == count


def test_ctrl_c_says_how_to_go_on(tiny, tmp_path, capsys, monkeypatch):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(reproduce_stability, 'results', interrupted)
    assert reproduce_stability.main(words(out=tmp_path)) == 130
    assert 'the same command goes on' in capsys.readouterr().err


@pytest.mark.parametrize(
    'more',
    [
        ['--seconds', '0'],
        ['--seeds', 'x'],
        ['--formulas', '--grid'],
        ['--data', 'x'],
        ['--only', 'D2DCE'],
    ],
)
def test_a_command_that_makes_no_sense_is_refused(more):
    with pytest.raises(SystemExit):
        reproduce_stability.parse_arguments(more)


@SLOW
def test_runs_go_side_by_side_in_processes_of_their_own(tmp_path):
    command = words('--seconds', '0.2', '--seeds', '1', '--jobs', '2', out=tmp_path)
    assert reproduce_stability.main(['--formulas', *command]) == 0
    runs = [json.loads(path.read_text()) for path in tmp_path.glob('runs/*.json')]
    assert len(runs) == 2
    assert all(run['finished'] for run in runs)
