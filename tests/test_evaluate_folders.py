"""Two folders of images, and reals that are not the training set: what is compared."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from evaluation_parts import Quadrants, random_images, write_images
from mmengine.config import Config

from reacgan_plugin import evaluate
from reacgan_plugin.registry import MODELS


@pytest.fixture(autouse=True)
def quadrants(monkeypatch, tmp_path):
    """An extractor that takes no time to make, and no kept rows."""
    MODELS.register_module(name='Quadrants', module=Quadrants, force=True)
    monkeypatch.setattr(evaluate, '_extractor', lambda *words: {'type': 'Quadrants'})
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.chdir(tmp_path)


def class_folders(folder, shades: dict) -> str:
    """Ten images of a shade a class."""
    for name, shade in shades.items():
        write_images(folder / name, random_images(10, seed=shade) // 8 + shade)
    return str(folder)


def compared(*words, names=('LabelAgreement', 'ClassifierAccuracy')) -> dict:
    evaluate.run([*words, '--metrics', *names])
    with open('evaluation.json') as file:
        return json.load(file)['values']


@pytest.mark.parametrize('fakes', [
    {'cat': 10, 'dog': 200},
    {'0_dog': 200, '1_cat': 10},  # as a generator's samples are written
])  # fmt: skip
def test_classes_are_compared_by_name(tmp_path, fakes):
    """Not by their place in the folder."""
    real = class_folders(tmp_path / 'real', {'cat': 10, 'dog': 200})
    fake = class_folders(tmp_path / 'fake', fakes)
    found = compared('--real', real, '--fake', fake)
    assert (found['label_agreement'], found['CAS']) == (1, 1)


def test_other_classes_of_the_same_number_have_no_labels(tmp_path, capsys):
    real = class_folders(tmp_path / 'real', {'cat': 10, 'dog': 200})
    fake = class_folders(tmp_path / 'fake', {'bird': 100, 'cat': 10})
    assert compared('--real', real, '--fake', fake) == {}
    assert 'different classes: labels are not used' in capsys.readouterr().out


def test_folders_without_classes_need_no_remark(tmp_path, capsys):
    folders = [write_images(tmp_path / n, random_images(9)) for n in ('a', 'b')]
    assert 'FID' in compared('--real', folders[0], '--fake', folders[1], names=['FID'])
    assert 'labels' not in capsys.readouterr().out


def test_a_runs_own_file_is_left_alone(tmp_path):
    """What a run wrote is a list of its evaluations; the tool writes another file."""
    assert evaluate.parse_arguments(['x.pth']).out == 'evaluation.json'


@pytest.mark.parametrize('out', ['.', 'file/x.json'])
def test_a_result_that_cannot_be_written_is_known_before(tmp_path, capsys, out):
    (tmp_path / 'file').touch()
    assert evaluate.run(['--real', 'nowhere', '--fake', 'nowhere', '--out', out]) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and 'nowhere' not in error
    assert [path.name for path in tmp_path.iterdir()] == ['file']


def test_sizes_that_differ_name_the_option(tmp_path, capsys):
    real = write_images(tmp_path / 'real', random_images(3))
    write_images(tmp_path / 'real' / 'b', random_images(3, side=9))
    assert evaluate.run(['--real', real, '--fake', real]) == 2
    assert '--size' in capsys.readouterr().err


def reference_of(tmp_path, monkeypatch, capsys, dataset, *words):
    """Exit code and error line for a checkpoint whose config names some data."""
    loader = dataset and dict(dataset=dataset)
    config = Config(dict(train_dataloader=loader) if dataset else {})
    sized = SimpleNamespace(generator=SimpleNamespace(size=8), num_classes=2)
    monkeypatch.setattr(
        'reacgan_plugin.config.checkpoint_config', lambda *a, **k: config
    )
    monkeypatch.setattr(
        'reacgan_plugin.sampling.loading.load_model', lambda *a, **k: (sized, [])
    )
    code = evaluate.run(['x.pth', *words])
    return code, capsys.readouterr().err


def test_data_that_is_not_there_names_the_tools_own_option(
    tmp_path, monkeypatch, capsys
):
    pack = [dict(type='LoadImage'), dict(type='PackImage')]
    cifar = dict(type='CIFAR10', data_root='nowhere', pipeline=pack)
    for dataset in (None, cifar):
        found = reference_of(tmp_path, monkeypatch, capsys, dataset)
        assert found[0] == 2 and '--reference DIR' in found[1]
        assert '--cfg-options' not in found[1] and found[1].count('\n') == 1


def test_the_probe_asks_for_classes(tmp_path, monkeypatch, capsys):
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    flat = write_images(tmp_path / 'flat', random_images(3))
    assert evaluate.run(['--real', flat, '--fake', flat, '--extractor', 'probe']) == 2
    assert 'has no classes' in capsys.readouterr().err


@pytest.mark.parametrize('names, labels', [
    (['dog', 'cat'], [1, 0]),
    ([], [0, 1]),
    (['dog', 'bird'], None),
])  # fmt: skip
def test_classes_of_a_folder_of_reals_are_those_of_the_checkpoint(
    tmp_path, names, labels
):
    given = class_folders(tmp_path / 'real', {'cat': 1, 'dog': 2})
    model = SimpleNamespace(generator=SimpleNamespace(size=8), num_classes=2)
    options = SimpleNamespace(reference=given)
    folder = evaluate._reference(options, None, model, names)
    if labels is None:
        assert folder.labels is None
    else:
        assert folder.labels.tolist() == np.repeat(labels, 10).tolist()
