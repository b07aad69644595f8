"""Configs that are data: nothing in them is executed."""

import json
import math
import sys

import pytest
from mmengine.registry import HOOKS
from mmengine.registry import MODELS as MMENGINES_MODELS

from reacgan_plugin.config import config_json, load_config
from reacgan_plugin.config_checks import check_types
from reacgan_plugin.registry import MODELS, TRANSFORMS, registered
from reacgan_plugin.train import run

OURS = '_base_: reacgan_plugin::biggan_reacgan_digits.py\n'


def written(folder, text: str, name: str = 'mine.yaml') -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_yaml_builds_on_a_config_of_ours(tmp_path):
    path = written(tmp_path, OURS + 'model: {loss: {margin: 0.5}}\n')
    config, _ = load_config(path, {'total_batch_size': 8})
    check_types(config)
    assert (config.model.loss.type, config.model.loss.margin) == ('D2DCE', 0.5)
    assert config.total_batch_size == 8


def test_a_python_config_as_json_is_the_same_config(tmp_path):
    config, _ = load_config('biggan_reacgan_digits.py')
    path = written(tmp_path, config_json(config), 'same.json')
    again, _ = load_config(path)
    check_types(again)
    assert json.loads(config_json(again)) == json.loads(config_json(config))


def test_bases_that_are_data_are_merged_and_may_be_replaced(tmp_path):
    written(tmp_path, 'model: {loss: {type: AC, loss_weight: 2.0}}\n', 'base.yaml')
    written(tmp_path, '{"total_batch_size": 4}', 'other.json')
    text = '_base_: [base.yaml, other.json]\nmodel: {loss: {loss_weight: 3.0}}\n'
    config, _ = load_config(written(tmp_path, text))
    assert config.model.loss == dict(type='AC', loss_weight=3.0)
    assert config.total_batch_size == 4
    text = '_base_: base.yaml\nmodel: {loss: {_delete_: true, type: PD}}\n'
    assert load_config(written(tmp_path, text))[0].model.loss == dict(type='PD')


def test_a_config_that_is_data_trains(tmp_path):
    text = OURS + (
        'total_batch_size: 4\ntrain_cfg: {max_iters: 1}\ncustom_hooks: []\n'
        'model: {generator: {base_channels: 2, z_dim: 8, shared_dim: 4},\n'
        '        discriminator: {base_channels: 4}}\n'
    )
    path, work_dir = written(tmp_path, text), tmp_path / 'run'
    assert run([path, '--work-dir', str(work_dir)]) == 0
    assert (work_dir / 'iter_1.pth').is_file()
    assert (work_dir / 'mine.yaml').is_file()


HARMFUL = 'raise RuntimeError("executed")\n'
HOOK = OURS + 'custom_hooks: [{type: EMAHook, '
STEP = OURS + 'train_dataloader: {dataset: {pipeline: [{type: '


@pytest.mark.parametrize(
    'text, message',
    [
        ('_base_: harmful.py\n', "_base_='harmful.py' would be executed"),
        ('_base_: [{a: 1}]\n', 'would be executed'),
        ('_base_: reacgan_plugin::../harmful.py\n', 'there is no config'),
        ('_base_: reacgan_plugin::biggan_reacgan_digit.py\n', 'did you mean'),
        ('a: !!python/object/apply:os.getcwd []\n', 'no yaml file'),
        ('a: [1\n', 'no yaml file'),
        ('- 1\n', 'holds no dict'),
        ('1: 2\n', 'holds no dict'),
        ('_base_: mine.yaml\n', 'a base of itself'),
        ('_base_: nosuch.yaml\n', 'cannot be read'),
        (OURS + 'custom_imports: {imports: [harmful]}\n', '--trust-imports'),
        (OURS + 'model: {type: os.getcwd}\n', "names model.type='os.getcwd'"),
        (OURS + 'model: {type: harmful}\n', "names model.type='harmful'"),
        (OURS + 'optim_wrapper: {constructor: harmful.x}\n', '--trust-imports'),
        (OURS + 'default_scope: harmful\n', "default_scope='harmful'"),
        (OURS + 'model: {_scope_: harmful}\n', "_scope_='harmful'"),
        (HOOK + 'ema_type: harmful.Thing}]\n', "ema_type='harmful.Thing'"),
        (HOOK + 'ema_type: harmful}]\n', "custom_hooks.0.ema_type='harmful'"),
        (HOOK + 'ema_type: torch.hub.load}]\n', "ema_type='torch.hub.load'"),
        (HOOK + 'ema_type: mmengine.harmful}]\n', "ema_type='mmengine.harmful'"),
        (HOOK + 'ema_type: ModuleDiscriminator}]\n', 'imports what it is told'),
        (STEP + 'RandomResize, resize_type: harmful}]}}\n', "resize_type='harmful'"),
        (STEP + 'RandomChoiceResize, resize_type: a.b}]}}\n', "resize_type='a.b'"),
        (STEP + 'LoadImageFromFile, backend_args: {sys_path: x}}]}}\n', "sys_path='x'"),
        (
            OURS + 'model: {compile: {options: {cpp.cxx: [harmful]}}}\n',
            'model.compile.options.cpp.cxx=',
        ),
        (
            OURS + 'model: {discriminator: {options: {checkpoint_path: x.pth}}}\n',
            "options.checkpoint_path='x.pth'",
        ),
        (
            OURS + "model: {loss: {options: {pretrained_cfg_overlay: {file: 'x'}}}}\n",
            '--trust-imports',
        ),
    ],
)
def test_nothing_is_executed_and_what_would_be_is_named(
    tmp_path, monkeypatch, capsys, text, message
):
    written(tmp_path, HARMFUL, 'harmful.py')
    monkeypatch.syspath_prepend(tmp_path)
    assert run([written(tmp_path, text), '--work-dir', str(tmp_path / 'run')]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count('\n') == 1
    assert 'harmful' not in sys.modules
    assert not (tmp_path / 'run').exists()


@pytest.mark.parametrize(
    'word', ['harmful', 'harmful.Thing', 'mmcv.harmful', 'mmengine.a', 'harmful.a.b']
)
def test_no_registry_imports_a_word_of_a_config_whatever_setting_it_is(
    tmp_path, monkeypatch, word
):
    written(tmp_path, HARMFUL, 'harmful.py')
    monkeypatch.syspath_prepend(tmp_path)
    text = OURS + f'model: {{loss: {{some: [{{setting: {word}}}]}}}}\n'
    load_config(written(tmp_path, text))
    assert MODELS.get(word) is None
    with pytest.raises(KeyError, match='is not in the'):
        MMENGINES_MODELS.build(dict(type=word))
    assert 'harmful' not in sys.modules


def test_a_name_of_another_registry_is_not_imported_either(tmp_path, monkeypatch):
    written(tmp_path, HARMFUL, 'Digits.py')
    monkeypatch.syspath_prepend(tmp_path)
    load_config(written(tmp_path, OURS + 'held_out: {type: Digits}\n'))
    assert TRANSFORMS.get('Digits') is None
    assert 'Digits' not in sys.modules


def test_words_of_a_config_that_is_trusted_are_imported(tmp_path, monkeypatch):
    written(tmp_path, 'class Thing: ...\n', 'vouched_for.py')
    monkeypatch.syspath_prepend(tmp_path)
    path = written(tmp_path, OURS + 'model: {loss: {some: vouched_for.Thing}}\n')
    load_config(path)
    assert MODELS.get('vouched_for.Thing') is None
    load_config(path, trust_imports=True)
    assert MODELS.get('vouched_for.Thing').__name__ == 'Thing'
    del sys.modules['vouched_for']


def test_names_with_their_packages_and_words_that_choose_are_no_imports(tmp_path):
    text = STEP + (
        'LoadImageFromFile, color_type: color}, {type: mmcv.Resize, scale: 32}]}}\n'
        'custom_hooks: [{type: mmengine.IterTimerHook}]\ndataset_type: mine\n'
        'model: {compile: {options: {max_autotune: true, pad: 1, cut: null}}}\n'
    )
    config, _ = load_config(written(tmp_path, text))
    resize = config.train_dataloader.dataset.pipeline[1]
    assert registered(TRANSFORMS, resize).__module__ == 'mmcv.transforms.processing'
    assert HOOKS.get('mmengine.IterTimerHook').__name__ == 'IterTimerHook'


def test_imports_are_followed_where_they_are_trusted(tmp_path, monkeypatch):
    written(tmp_path, 'WAS_HERE = True\n', 'users_own.py')
    monkeypatch.syspath_prepend(tmp_path)
    path = written(tmp_path, OURS + 'custom_imports: {imports: [users_own]}\n')
    config, _ = load_config(path, trust_imports=True)
    assert sys.modules.pop('users_own').WAS_HERE
    assert config.custom_imports.imports == ['users_own']


def test_variables_of_the_environment_stay_as_they_are_written(tmp_path, monkeypatch):
    monkeypatch.setenv('SECRET', 'word')
    path = written(tmp_path, OURS + "work_dir: '{{$SECRET:none}}'\n")
    assert load_config(path)[0].work_dir == '{{$SECRET:none}}'


def test_a_config_that_is_executed_may_use_words_of_one_that_is_not_trusted(tmp_path):
    theirs = tmp_path / 'theirs.yaml'
    theirs.write_text(
        '_base_: reacgan_plugin::biggan_reacgan_digits.py\nmine: math.pi\n'
    )
    load_config(str(theirs))
    assert MODELS.get('math.pi') is None
    mine = tmp_path / 'mine.py'
    mine.write_text(
        "_base_ = 'reacgan_plugin::biggan_reacgan_digits.py'\nmine='math.pi'"
    )
    load_config(str(mine))
    assert MODELS.get('math.pi') == math.pi
