import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from evaluation_parts import Quadrants, write_images
from tiny_runs import ROOT, arguments, environment

from reacgan_plugin import evaluate, train
from reacgan_plugin.config import load_config
from reacgan_plugin.data import Digits
from reacgan_plugin.evaluation.timm_extractor import TimmExtractor
from reacgan_plugin.registry import MODELS

PACK = [dict(type='LoadImage'), dict(type='PackImage')]


@pytest.fixture(scope='module', autouse=True)
def cache(tmp_path_factory):
    """What one test keeps, only those of this file find."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))
        patch.delenv('INCEPTION_WEIGHTS', raising=False)
        empty = str(tmp_path_factory.mktemp('hub'))
        patch.setattr(torch.hub, 'get_dir', lambda: empty)
        yield


@pytest.fixture(scope='module')
def run(tmp_path_factory, cache):
    """A run that was evaluated when it ended."""
    folder = tmp_path_factory.mktemp('run')
    probe = load_config('biggan_reacgan_digits.py')[0].train_dataloader.dataset
    hook = dict(
        type='EvaluationHook',
        metrics=[dict(type='FID'), dict(type='IS')],
        num_images=23,
        extractor=dict(type='ProbeExtractor', train=probe.to_dict()),
    )
    options = dict(train_cfg__max_iters=1, default_hooks__evaluation=repr(hook))
    assert train.run(arguments(folder, **options)) == 0
    return folder


@pytest.fixture(scope='module')
def checkpoint(run):
    return str(run / 'iter_1.pth')


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """Digits held out, and others in place of fakes, in class folders."""
    folder = tmp_path_factory.mktemp('images')
    digits = Digits('test', pipeline=PACK)
    for name, first in (('real', 0), ('fake', 120)):
        for i in range(first, first + 120):
            home = folder / name / str(digits.labels[i])
            write_images(home / str(i), [digits[i]['image']])
    return ['--real', str(folder / 'real'), '--fake', str(folder / 'fake')]


def torchrun(*words) -> subprocess.CompletedProcess:
    """A tool on two processes."""
    launch = ['-m', 'torch.distributed.run', '--nproc_per_node=2', '--standalone']
    return subprocess.run(
        [sys.executable, *launch, 'tests/evaluation_tools.py', *words],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )


def evaluated(*words, out) -> dict:
    assert evaluate.run([*words, '--out', str(out / 'new' / 'm.json')]) == 0
    return json.loads((out / 'new' / 'm.json').read_text())


def test_a_checkpoint_gets_the_numbers_that_training_gave_it(
    run, checkpoint, tmp_path, capsys
):
    words = ['--extractor', 'probe', '--num', '23', '--metrics', 'FID', 'IS']
    found = evaluated(checkpoint, *words, out=tmp_path)
    (told,) = json.loads((run / 'metrics.json').read_text())
    assert found['values'] == told['values']
    assert found['setting'] == told['setting']
    assert found['fakes'] == checkpoint
    printed = capsys.readouterr().out
    assert printed.startswith('FID') and '23 fakes of EMA weights' in printed
    assert f'{found["values"]["FID"]:.4f}' in printed


@pytest.fixture
def quadrants(monkeypatch):
    """An extractor that takes no time to make."""
    MODELS.register_module(name='Quadrants', module=Quadrants, force=True)
    monkeypatch.setattr(evaluate, '_extractor', lambda *words: {'type': 'Quadrants'})


def test_options_of_sampling_reach_the_samples(checkpoint, tmp_path, quadrants):
    words = [checkpoint, '--num', '23', '--metrics', 'FID']
    values = []
    for more, expected in (
        (['--raw'], dict(weights='raw')),
        (['--seed', '1'], dict(seed=1)),
        (['--truncation', '0.1'], dict(truncation=0.1)),
        (['--batch-norm', 'batch'], dict(batch_norm='batch')),
        (['--batch-norm', 'standing', '--std-step', '2'], dict(batch_norm='standing')),
    ):
        found = evaluated(*words, *more, out=tmp_path)
        assert found['setting'].items() >= expected.items()
        values.append(found['values']['FID'])
    assert len(set(values)) == 5


def test_two_folders_with_classes(folders, tmp_path):
    names = ['FID', 'IS', 'KID', 'PrecisionRecall', 'DensityCoverage', 'IntraFID']
    names += ['ClassifierAccuracy', 'LabelAgreement']
    words = [*folders, '--extractor', 'probe', '--metrics', *names]
    found = evaluated(*words, out=tmp_path)
    assert len(found['values']) == 14
    assert found['values']['CAS'] > 0.8 and found['values']['coverage'] > 0.5
    setting = found['setting']
    assert (setting['real_images'], setting['fake_images']) == (120, 120)
    assert setting['quantisation'] == 'as stored' and setting['weights'] is None
    assert evaluated(*words, out=tmp_path) == found  # from what was kept of the reals


def test_folders_of_different_classes_have_no_labels(folders, tmp_path, capsys):
    flat = write_images(tmp_path / 'flat', [Digits('test', pipeline=PACK)[0]['image']])
    words = ['--real', folders[1], '--fake', flat, '--metrics', 'IntraFID', 'FID']
    weights = tmp_path / 'w.pth'
    network = TimmExtractor('test_resnet', weights=None).network
    torch.save(network.state_dict(), weights)
    words += ['--extractor', 'test_resnet', '--weights', str(weights)]
    assert evaluate.run([*words, '--out', str(tmp_path / 'm.json')]) == 1
    printed = capsys.readouterr().out
    assert 'labels are not used' in printed
    assert 'FID takes 2 images or more' in printed
    assert json.loads((tmp_path / 'm.json').read_text())['values'] == {}


def test_reals_may_be_a_folder_or_a_file(
    checkpoint, folders, tmp_path, quadrants, capsys
):
    words = [checkpoint, '--num', '23', '--metrics', 'FID']
    found = evaluated(*words, '--reference', folders[1], out=tmp_path)
    assert found['setting']['real_images'] == 120
    file = tmp_path / 'stats.npz'
    np.savez(file, mu=np.zeros(12), sigma=np.eye(12))
    found = evaluated(*words, '--reference', str(file), out=tmp_path)
    assert found['setting']['reference'] == 'stats.npz'
    assert 'an unknown number of stats.npz' in capsys.readouterr().out
    np.savez(file, mu=np.zeros(5), sigma=np.eye(5))
    out = ['--out', str(tmp_path / 'm.json')]
    assert evaluate.run([*words, '--reference', str(file), *out]) == 1
    assert 'features differ in width: 5 and 12' in capsys.readouterr().out


@pytest.mark.parametrize('words, message', [
    ([], 'weights of InceptionV3 are not in'),
    (['--extractor', 'resnet18'], '--weights hub to download them'),
    (['--extractor', 'probe', '--weights', 'x'], 'has weights of its own'),
    (['--extractor', 'probe', '--metrics', 'FIDD'], "did you mean 'FID'"),
    (['--extractor', 'probe', '--reference', 'x.npz'], 'x.npz does not exist'),
])  # fmt: skip
def test_a_mistake_is_one_line(checkpoint, words, message, capsys):
    assert evaluate.run([checkpoint, *words]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1 and message in error[0]


def test_a_checkpoint_that_is_not_there_and_one_that_executes_code(tmp_path, capsys):
    assert evaluate.run([str(tmp_path / 'nowhere.pth')]) == 2
    assert 'nowhere.pth does not exist' in capsys.readouterr().err
    torch.save({'meta': print}, tmp_path / 'bad.pth')
    assert evaluate.run([str(tmp_path / 'bad.pth')]) == 2
    assert 'would execute' in capsys.readouterr().err


@pytest.mark.parametrize('words', [
    [], ['--real', 'a'], ['--fake', 'a'], ['x.pth', '--real', 'a', '--fake', 'b'],
    ['x.pth', '--real', 'a'], ['x.pth', '--num', '0'], ['x.pth', '--resizer', 'pil'],
    ['x.pth', '--batch-norm', 'none'],
    *(['--real', 'a', '--fake', 'b', *more] for more in (
        ['--raw'], ['--num', '5'], ['--batch-norm', 'standing'], ['--seed', '0'],
        ['--truncation', '.5'], ['--reference', 'z'], ['--std-max', '3'],
        ['--std-step', '3'], ['--trust-imports'],
    )),
    ['x.pth', '--size', '64'], ['x.pth', '--std-max', '3'],
    ['x.pth', '--batch-norm', 'batch', '--std-step', '3'],
    ['x.pth', '--truncation', '0'],
])  # fmt: skip
def test_words_that_do_not_say_what_to_compare_are_refused(words, capsys):
    with pytest.raises(SystemExit) as ended:
        evaluate.parse_arguments(words)
    assert ended.value.code == 2
    assert 'error' in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_give_the_numbers_of_one(checkpoint, tmp_path):
    words = [checkpoint, '--extractor', 'probe', '--num-images', '103']
    alone = evaluated(*words, out=tmp_path)
    ended = torchrun('evaluate', *words, '--out', str(tmp_path / 'm.json'))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads((tmp_path / 'm.json').read_text()) == alone
    assert ended.stdout.count('103 fakes') == 1


@pytest.mark.slow
def test_two_processes_evaluate_while_they_train(tmp_path, quadrants):
    """R43: from the start to the end."""
    hook = dict(
        type='EvaluationHook',
        metrics=[dict(type='FID'), dict(type='IS')],
        num_images=103,
        extractor=dict(type='Quadrants'),
        save_best='FID',
        cache_dir=str(tmp_path / 'cache'),
    )
    options = dict(train_cfg__max_iters=2, default_hooks__evaluation=repr(hook))
    ended = torchrun('train', *arguments(tmp_path, '--launcher', 'pytorch', **options))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (told,) = json.loads((tmp_path / 'metrics.json').read_text())
    assert told['iteration'] == 2 and told['setting']['fake_images'] == 103
    best = str(tmp_path / 'best_FID_iter_2.pth')
    words = [best, '--num', '103', '--metrics', 'FID', 'IS']
    assert evaluated(*words, out=tmp_path)['values'] == told['values']
