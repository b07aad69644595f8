import multiprocessing
import os
import re
import signal
import sys

import pytest
import torch
from tiny_runs import arguments, same_state, start

from reacgan_plugin.checkpoint import newest_checkpoint
from reacgan_plugin.train import resume_command, run


def _trained(path) -> dict:
    return torch.load(path, weights_only=True)


def test_a_run_leaves_checkpoint_samples_curves_and_tensorboard(tmp_path):
    assert run(arguments(tmp_path, hooks=True, custom_hooks__2__per_class=2)) == 0
    assert (tmp_path / 'iter_4.pth').is_file()
    assert (tmp_path / 'samples' / 'iter_000004.png').is_file()
    assert (tmp_path / 'curves.png').is_file()
    assert list(tmp_path.glob('*/vis_data/events.out.tfevents.*'))
    log = next(tmp_path.glob('*/*.log')).read_text()
    for words in ('probe accuracy', 'real images/s', 'within-class spread', 'Frechet'):
        assert words in log


def test_the_log_line_has_losses_rates_times_and_speed(tmp_path):
    assert run(arguments(tmp_path)) == 0
    log = next(tmp_path.glob('*/*.log')).read_text()
    lines = [line for line in log.splitlines() if 'Iter(train)' in line]
    assert len(lines) == 2  # of four iterations, at an interval of two
    line = next(line for line in lines if '[4/4]' in line)
    for name in (
        'd/loss_adversarial',
        'd/loss_conditioning',
        'g/loss',
        'generator.lr',
        'eta',
        'time',
        'data_time',
        'images_per_second',
        'memory',
    ):
        assert f'{name}: ' in line


@pytest.mark.parametrize('kind', ['AC', 'PD', '2C', 'Unconditional'])
def test_one_word_changes_the_conditioning(tmp_path, kind):
    assert run(arguments(tmp_path, model__loss__type=kind)) == 0
    log = next(tmp_path.glob('*/*.log')).read_text()
    assert f"model.loss is now of type '{kind}'; settings of 'D2DCE' dropped" in log


@pytest.mark.parametrize(
    'overrides, message',
    [
        (
            dict(model__loss__type='D2DC'),
            "model.loss: type='D2DC'.*did you mean 'D2DCE'",
        ),
        (dict(model__generator__type='BigGanGenerator'), "mean 'BigGANGenerator'"),
        (dict(train_dataloader__dataset__type='Digit'), "did you mean 'Digits'"),
        (dict(model__num_classes=12), 'found 10 classes.*num_classes=12'),
        (dict(total_batch_size=7, model__accumulation=2), 'nearest that does is'),
        (dict(model__loss__margin=1.5), 'margin=1.5 is out of range'),
        (dict(compile=True), 'compile'),
        (dict(model__loss__margine=0.9), "model.loss.margine .*did you mean 'margin'"),
        (dict(model__losss__type='AC'), "model.losss .*did you mean 'loss'"),
        (dict(model__generator__foo=1), 'model.generator.foo is no setting of BigGAN'),
        (
            dict(model__generator__num_classes=5),
            'model.num_classes=10; leave the former',
        ),
        (dict(model__discriminator__size=64), 'must be the same'),
        (dict(model__ema__decya=0.9), "did you mean 'decay'"),
        (dict(model__d_updates=0), 'd_updates=0; allowed: 1 or more'),
        (
            dict(train_dataloader__dataset__pipeline__0__channels=1),
            r'1 channel\(s\).*expect 3',
        ),
        (dict(train_dataloader__dataset__type='ClassFolder'), 'needs the setting'),
        (dict(train_dataloader__num_worker=1), "did you mean 'num_workers'"),
        (dict(train_cfg__max_iter=4), "did you mean 'max_iters'"),
        (dict(optim_wrapper__generator__optimizer__type='Adamm'), "mean 'Adam'"),
        (dict(optim_wrapper__generator__accumulative_counts=2), 'model.accumulation'),
        (dict(default_hooks__logger__type='LoggerHok'), "did you mean 'LoggerHook'"),
        (dict(param_scheduler__by_epoch=True), 'there are no epochs'),
        (dict(custom_imports__imports='[nosuch_module]'), 'nosuch_module'),
    ],
)
def test_a_bad_config_is_one_clear_message_before_the_first_step(
    tmp_path, capsys, overrides, message
):
    code = run(arguments(tmp_path, **overrides))
    error = capsys.readouterr().err
    assert code == 2
    assert error.count('\n') == 1
    assert error.startswith('error: ')
    assert re.search(message, error)


def test_a_missing_config_names_the_nearest_of_ours(tmp_path, capsys):
    assert run(['configs/biggan_reacgan_digit.py']) == 2
    assert "did you mean 'biggan_reacgan_digits.py'" in capsys.readouterr().err


def test_resuming_equals_the_run_that_was_never_stopped(tmp_path):
    """R23: weights, moments of Adam and losses, to the bit."""
    straight, halves = tmp_path / 'straight', tmp_path / 'halves'
    assert run(arguments(straight, train_cfg__max_iters=6)) == 0
    assert run(arguments(halves, train_cfg__max_iters=3)) == 0
    assert run(arguments(halves, '--resume', train_cfg__max_iters=6)) == 0
    first, second = _trained(straight / 'iter_6.pth'), _trained(halves / 'iter_6.pth')
    for part in ('state_dict', 'optimizer'):
        assert same_state(first[part], second[part]) == []
    losses = 'train/d/loss'
    assert (
        first['history'][losses]['values'][-1:]
        == (second['history'][losses]['values'][-1:])
    )


def test_resuming_with_another_schedule_is_refused(tmp_path, capsys):
    assert run(arguments(tmp_path, train_cfg__max_iters=1)) == 0
    config = tmp_path / 'unscheduled.py'
    config.write_text(
        "_base_ = 'reacgan_plugin::biggan_reacgan_digits.py'\nparam_scheduler = None\n"
    )
    words = arguments(tmp_path, '--resume')
    assert run([str(config), *words[1:]]) == 2
    assert 'another param_scheduler' in capsys.readouterr().err


def test_resuming_where_nothing_was_saved_starts_anew(tmp_path):
    assert run(arguments(tmp_path, '--resume', train_cfg__max_iters=1)) == 0
    log = next(tmp_path.glob('*/*.log')).read_text()
    assert f'No checkpoint in {tmp_path}: starting anew' in log
    assert (tmp_path / 'iter_1.pth').is_file()


def test_resuming_from_another_architecture_lists_what_differs(tmp_path, capsys):
    assert run(arguments(tmp_path, train_cfg__max_iters=1)) == 0
    words = arguments(tmp_path, '--resume', model__loss__type='AC')
    assert run(words) == 2
    error = capsys.readouterr().err
    assert 'missing: discriminator.head.classifier' in error
    assert 'unexpected: discriminator.head.projection' in error


def test_bf16_trains_and_keeps_float32_weights(tmp_path):
    assert run(arguments(tmp_path, '--amp', 'bf16')) == 0
    state = _trained(tmp_path / 'iter_4.pth')['state_dict']
    floats = [v for v in state.values() if getattr(v, 'is_floating_point', bool)()]
    assert floats and all(v.dtype == torch.float32 for v in floats)
    assert all(v.isfinite().all() for v in floats)


@pytest.mark.slow
def test_a_launchers_sigterm_to_all_processes_saves_with_workers_running(tmp_path):
    words = arguments(
        tmp_path, train_cfg__max_iters=100000, train_dataloader__num_workers=2
    )
    process = start(*words, start_new_session=True)
    lines = iter(process.stdout.readline, '')
    assert any('Iter(train)' in line for line in lines)
    os.killpg(process.pid, signal.SIGTERM)
    rest = process.stdout.read()
    assert process.wait(30) == 130, rest
    assert _trained(newest_checkpoint(tmp_path))['meta']['iter'] > 0


def test_no_worker_outlives_a_run(tmp_path):
    words = arguments(tmp_path, train_cfg__max_iters=1, train_dataloader__num_workers=1)
    assert run(words) == 0
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    'given, expected',
    [
        (['c.py'], ['c.py', '--resume']),
        (['c.py', '--resume', 'old.pth', '--seed', '1'], ['c.py', '--seed', '1']),
        (['c.py', '--resume=old.pth'], ['c.py', '--resume']),
        (
            ['c.py', '--cfg-options', 'a=1', 'b=2'],
            ['c.py', '--resume', '--cfg-options', 'a=1', 'b=2'],
        ),
    ],
)
def test_the_command_to_go_on_resumes_what_was_saved_last(given, expected):
    command = resume_command(given)
    if '--resume' not in expected:
        expected = [*expected, '--resume']
    assert command.endswith(' '.join(expected))
    assert 'old.pth' not in command


def test_schedules_count_iterations(tmp_path):
    words = arguments(tmp_path, param_scheduler__begin=0, param_scheduler__end=4)
    assert run(words) == 0
    optimizers = _trained(tmp_path / 'iter_4.pth')['optimizer']
    rates = [optimizers[n]['param_groups'][0]['lr'] for n in optimizers]
    assert rates == pytest.approx([5e-5, 1e-4])  # a tenth of 5e-4 and 1e-3


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path):
    process = start(*arguments(tmp_path, train_cfg__max_iters=100000))
    lines = iter(process.stdout.readline, '')
    assert any('Iter(train)' in line for line in lines)
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    assert process.wait(30) == 130
    assert '--resume' in rest
    saved = newest_checkpoint(tmp_path)
    done = _trained(saved)['meta']['iter']
    assert saved.name == f'iter_{done}.pth'
    assert f'stopped after iteration {done}' in rest


def test_a_checkpoint_is_a_config_to_train_from(tmp_path):
    assert run(arguments(tmp_path)) == 0
    again = tmp_path / 'again'
    checkpoint = str(tmp_path / 'iter_4.pth')
    words = [checkpoint, '--work-dir', str(again), '--cfg-options']
    assert run([*words, 'train_cfg.max_iters=2']) == 0
    assert (again / 'iter_2.pth').is_file()


def test_what_a_users_module_lacks_is_named(tmp_path, capsys, monkeypatch):
    (tmp_path / 'lacking_module.py').write_text('import nosuch_thing')
    (tmp_path / 'my_config.py').write_text(
        "_base_ = 'reacgan_plugin::biggan_reacgan_digits.py'\n"
        "custom_imports = dict(imports=['lacking_module'])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert run([str(tmp_path / 'my_config.py'), '--work-dir', str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "No module named 'nosuch_thing'" in error
    assert error.count('\n') == 1


def test_imports_of_a_checkpoint_are_followed_only_when_trusted(
    tmp_path, capsys, monkeypatch
):
    module = tmp_path / 'users_module.py'
    module.write_text('print("imported")')
    monkeypatch.syspath_prepend(tmp_path)
    words = arguments(tmp_path, custom_imports__imports='[users_module]')
    assert run(words) == 0
    sys.modules.pop('users_module')
    capsys.readouterr()
    checkpoint = str(tmp_path / 'iter_4.pth')
    short = [
        '--work-dir',
        str(tmp_path / 'b'),
        '--cfg-options',
        'train_cfg.max_iters=1',
    ]
    assert run([checkpoint, *short]) == 2
    captured = capsys.readouterr()
    assert '--trust-imports' in captured.err and 'imported' not in captured.out
    assert run([checkpoint, '--trust-imports', *short]) == 0
    assert 'imported' in capsys.readouterr().out
