"""The report of what a run would do, and its errors, which are the run's own."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_runs import arguments

from reacgan_plugin.check import run as check
from reacgan_plugin.train import run as train

# mmengine raises errors of its own for it
LAZY = """
from mmengine.config import read_base
with read_base():
    from .nosuch import *
"""
PIPELINE = [dict(type='LoadImage'), dict(type='PackImage')]


def words(*flags, **overrides):
    """Arguments of ``tools/check.py`` for a tiny run."""
    config, _, _, *others = arguments('', *flags, **overrides)
    return [config, *others]


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A folder of its own to be in, which must stay empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def birds(tmp_path_factory):
    """A folder of three classes of 21 images, 32 x 32."""
    root = tmp_path_factory.mktemp('birds')
    random = np.random.default_rng(0)
    for name in ('finch', 'owl', 'wren'):
        (root / name).mkdir()
        for number in range(21):
            pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f'{number:02}.png')
    return root


def of_birds(root, classes=3, **more):
    return dict(
        train_dataloader__dataset__type='ClassFolder',
        train_dataloader__dataset__data_root=str(root),
        train_dataloader__dataset__pipeline=str(PIPELINE),
        model__num_classes=classes,
        **more,
    )


def test_a_run_is_described_and_nothing_is_written(nowhere, capsys):
    assert check(words(model__ema__start=0)) == 0
    report = capsys.readouterr().out
    for line in (
        r'generator +BigGANGenerator: [\d,]+ parameters',
        r'discriminator +BigGANDiscriminator and its head: [\d,]+ parameters',
        r'losses +D2DCELoss, Hinge',
        r'data +Digits: 1,347 images, 10 classes of 131 to 137',
        r'files +200 looked at; modes RGB array \(200\); sizes 8 x 8 \(200\); '
        r'after the pipeline 3 x 32 x 32 \(200\)',
        r'batch +8 in all: 8 images x 1 process\(es\)',
        r'negatives +D2DCELoss contrasts each sample with 7 others',
        r'length +4 iterations of 1 discriminator update\(s\): 32 images shown, 0.0 ep',
        r'hooks +.*LoggerHook every 2',
        r'memory +about .* MB a process, as an estimate: networks .*, activations',
        rf'writes +{nowhere}/work_dirs/biggan_reacgan_digits: .* every 100 iterations',
    ):
        assert re.search(f'^{line}', report, re.MULTILINE), line
    assert 'warning' not in report
    assert list(nowhere.rglob('*')) == []


def test_what_several_processes_would_have_is_told(nowhere, capsys):
    assert check(words('--processes', '4', model__accumulation=2)) == 0
    report = capsys.readouterr().out
    assert '8 in all: 1 images x 2 accumulated x 4 process(es)' in report
    assert check(words('--processes', '3')) == 2
    assert 'the nearest that does is 9' in capsys.readouterr().err


@pytest.mark.parametrize(
    'overrides',
    [
        dict(model__num_classes=12),
        dict(model__loss__margin=1.5),
        dict(model__discriminator__size=64),
        dict(train_dataloader__dataset__pipeline__0__channels=1),
        dict(train_dataloader__dataset__type='Digit'),
        dict(train_cfg__max_iter=4),
        dict(optim_wrapper__generator__optimizer__type='Adamm'),
        dict(total_batch_size=7, model__accumulation=2),
        dict(load_from='no_such_file.pth'),
        dict(model='BigGAN'),
        dict(default_hooks__logger__priority='HIHG'),
        dict(default_hooks__gaurd='None'),
        dict(log_level='FOO'),
        dict(optim_wrapper__generator__optimizer__type='LBFGS'),
    ],
)
def test_errors_are_those_of_the_training_run(nowhere, capsys, overrides):
    assert check(words(**overrides)) == 2
    found = capsys.readouterr()
    assert found.out == '' and list(nowhere.rglob('*')) == []
    assert train(arguments(nowhere / 'run', **overrides)) == 2
    assert capsys.readouterr().err == found.err
    assert found.err.startswith('error: ') and found.err.count('\n') == 1


@pytest.mark.parametrize(
    'name, text, message',
    [
        ('itself.yaml', 'a: &a [*a]\n', 'the config holds itself'),
        ('lazy.py', LAZY, 'the config cannot be read: nosuch.py not found'),
        ('kinds.py', "_base_ = 'lazy.py'\n", 'error: RuntimeError: '),
    ],
)
def test_a_config_that_cannot_be_read_is_one_line_of_both(
    nowhere, capsys, name, text, message
):
    Path('lazy.py').write_text(LAZY)
    Path(name).write_text(text)
    assert check([name]) == 2
    said = capsys.readouterr().err
    assert re.search(message, said) and said.count('\n') == 1
    assert train([name]) == 2
    assert capsys.readouterr().err == said


def test_warnings_are_said_by_the_check_and_once_by_the_run(nowhere, birds, capsys):
    for number in range(15):
        Path(birds, 'owl', f'{number:02}.png').unlink()
    overrides = of_birds(birds, total_batch_size=64, model__loss__type='2C')
    assert check(words(**overrides)) == 0
    report = capsys.readouterr().out
    warned = [line for line in report.splitlines() if line.startswith('warning')]
    assert len(warned) == 2
    assert '48 images, fewer than total_batch_size=64' in warned[0]
    assert '1 of 3 classes have fewer than 20 images' in warned[1]
    assert warned[1].endswith(': owl (6)')
    assert 'ClassFolder' in report and '3 classes of 6 to 21' in report

    overrides |= dict(train_cfg__max_iters=2)
    assert train(arguments(nowhere / 'run', **overrides)) == 0
    log = next(Path(nowhere, 'run').glob('*/*.log')).read_text()
    for line in warned:
        assert log.count(line.removeprefix('warning').strip()) == 1
    assert log.index('fewer than 20') < log.index('Iter(train)')


def test_images_that_do_not_load_are_named_wherever_they_are(nowhere, birds, capsys):
    for name in ('finch/03.png', 'wren/20.png'):
        Path(birds, name).write_bytes(b'')
    assert check(words('--all-images', **of_birds(birds))) == 2
    found = capsys.readouterr()
    assert '63 looked at' in found.out and '2 that do not load' in found.out
    assert found.err.count('error: cannot read the image') == 2
    assert 'finch/03.png' in found.err and 'wren/20.png' in found.err


def test_images_of_several_sizes_are_an_error(nowhere, birds, capsys):
    Image.new('L', (16, 32)).save(birds / 'wren' / '05.png')
    assert check(words('--all-images', **of_birds(birds))) == 2
    assert '3 x 32 x 32 (62), 3 x 32 x 16 (1)' in capsys.readouterr().err


def test_a_folder_one_level_too_high_is_found_out(nowhere, birds, capsys):
    """R4: also without training."""
    (birds.parent / 'one_more').mkdir(exist_ok=True)
    birds.rename(birds.parent / 'one_more' / 'train')
    assert check(words(**of_birds(birds.parent / 'one_more'))) == 2
    error = capsys.readouterr().err
    assert 'found 1 class (train)' in error and 'one level too high' in error


def test_a_config_of_another_project_is_refused(nowhere, capsys):
    assert check(words(default_scope='mmagic')) == 2
    assert 'allowed: configs of reacgan_plugin' in capsys.readouterr().err
