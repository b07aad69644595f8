"""What a guard finds, says and does; whole runs are tiny."""

import re
from types import SimpleNamespace

import pytest
import torch
from guard_faults import spoil_term, spoil_weight
from guarded import GuardedRun, saved
from tiny_gan import batch, changed, optimizers, state
from tiny_runs import arguments, same_state

from reacgan_plugin.gan.faults import Diverged, RolledBack
from reacgan_plugin.hooks import GuardHook
from reacgan_plugin.hooks.metrics_file import read_metrics
from reacgan_plugin.techniques import ADA, LeCam
from reacgan_plugin.train import run


def test_the_message_names_term_iteration_parameter_and_what_to_do(tmp_path):
    runner = GuardedRun(tmp_path, GuardHook())
    runner.step()
    checkpoint = saved(runner, 1)
    before = state(runner.model.discriminator)
    spoil_term(runner.model)
    with pytest.raises(Diverged) as error:
        runner.step()
    message = str(error.value)
    assert message.startswith(
        'iteration 2, update of the discriminator: loss_adversarial is not finite; '
        'gradients of '
    )
    assert (
        'the first backbone.conv.weight, the one nearest to the loss head.' in message
    )
    assert f'The last good checkpoint is {checkpoint}' in message
    assert 'lower learning rate' in message
    assert '\n' not in message
    assert not changed(before, runner.model.discriminator)


def test_without_a_checkpoint_there_is_none_to_go_back_to(tmp_path):
    (tmp_path / 'iter_900.pth').touch()  # of an earlier run in the same folder
    for policy in ('stop', 'rollback'):
        runner = GuardedRun(tmp_path, GuardHook(policy=policy), policy)
        spoil_term(runner.model)
        with pytest.raises(Diverged, match='has no checkpoint of this run'):
            runner.step()


def test_images_that_are_not_finite_are_counted(tmp_path):
    runner = GuardedRun(tmp_path, GuardHook())
    data = batch(4)
    data['image'][1:3, 0, 0, 0] = torch.nan
    with pytest.raises(Diverged, match='2 images of the batch are not finite'):
        runner.step(data)


@pytest.mark.parametrize('policy', ['stop', 'skip'])
def test_a_weight_that_is_not_finite_is_named_and_nothing_to_skip(tmp_path, policy):
    runner = GuardedRun(tmp_path, GuardHook(policy=policy))
    spoil_weight(runner.model)
    with pytest.raises(Diverged, match=r'the weight head\.\S+ itself is not finite'):
        runner.step()


def test_a_skipped_update_leaves_no_trace(tmp_path):
    options = dict(ema=dict(decay=0.5), techniques=[LeCam(), ADA(interval=1)])
    runner = GuardedRun(tmp_path, GuardHook(policy='skip'), **options)
    model = runner.model
    # batch statistics, which bad images would spoil, as they would averages
    norm = model.discriminator.backbone.norm = torch.nn.BatchNorm2d(3)
    model.discriminator.backbone.register_forward_pre_hook(
        lambda module, images: norm(*images)
    )
    runner.guard.before_train(runner)
    runner.optimizers = optimizers(model)
    runner.step()
    before = state(model)
    data = batch(4)
    data['image'][0] = torch.nan
    runner.step(data)
    moved = changed(before, model)
    assert moved
    assert all(name.startswith(('generator.', 'generator_ema.')) for name in moved)
    assert all(value.isfinite().all() for value in state(model).values())
    (warning,) = runner.warnings
    assert warning.startswith('skipped: iteration 2, update of the discriminator')
    runner.step()
    assert len(runner.warnings) == 1


def test_skipping_has_a_limit(tmp_path):
    runner = GuardedRun(tmp_path, GuardHook(policy=dict(type='skip', limit=2)))
    for _ in range(2):
        spoil_term(runner.model)
        runner.step()
        runner.step()
    spoil_term(runner.model)
    with pytest.raises(Diverged, match='more than 2 faults within 1000 iterations'):
        runner.step()


def test_faults_far_apart_are_not_added_up(tmp_path):
    runner = GuardedRun(tmp_path, GuardHook(policy=dict(type='skip', limit=1)))
    for iteration in (10, 1011, 2012):
        runner.iter = runner.model.iteration = iteration
        spoil_term(runner.model)
        runner.step()
    assert len(runner.warnings) == 3


def test_going_back_is_counted_and_limited(tmp_path):
    runner = GuardedRun(tmp_path, GuardHook(policy=dict(type='rollback', limit=2)))
    checkpoint = saved(runner, 1)
    for number in (1, 2):
        spoil_term(runner.model)
        with pytest.raises(RolledBack):
            runner.step()
        assert runner.message_hub.get_info('redraws') == number
    assert runner.resumed == [checkpoint] * 2
    spoil_term(runner.model)
    with pytest.raises(Diverged, match='rolled back 2 times before'):
        runner.step()


def dead(model):
    """The discriminator says 0 of everything, from now on."""
    for parameter in model.discriminator.parameters():
        parameter.requires_grad_(False).zero_()
    model.discriminator.head.adversarial.weight.requires_grad_(True)


@pytest.mark.parametrize('stalled', ['warn', 'stop', None])
def test_a_discriminator_that_is_dead_is_told_or_ends_the_run(tmp_path, stalled):
    runner = GuardedRun(tmp_path, GuardHook(stalled=stalled, patience=5))
    dead(runner.model)
    for _ in range(4):
        runner.step()
    assert not runner.warnings
    if stalled == 'stop':
        with pytest.raises(Diverged, match='iteration 5: the discriminator tells'):
            runner.step()
        return
    for _ in range(4):
        runner.step()
    if stalled is None:
        assert not runner.warnings
    else:
        (warning,) = runner.warnings
        assert 'tells real images and fakes apart no more for 5 iterations' in warning
        assert 'mean logits 0 of real images, 0 of fakes' in warning


def test_on_a_gpu_it_looks_when_any_hook_is_due(tmp_path, monkeypatch):
    runner = GuardedRun(tmp_path, GuardHook())
    monkeypatch.setattr(
        type(runner.model.data_preprocessor), 'device', torch.device('cuda')
    )
    due = SimpleNamespace(
        interval=3,
        every_n_train_iters=lambda r, n, start: (r.iter + 1 - start) % n == 0,
    )
    runner.hooks = [SimpleNamespace(), SimpleNamespace(interval='epoch'), due]
    looks = []
    for runner.iter in range(7):
        looks.append(runner.guard._looks(runner, runner.iter))
    assert looks == [False, False, True, False, False, True, False]
    due.save_begin = 1
    runner.iter = 3
    assert runner.guard._looks(runner, 3)
    runner.max_iters = 5
    assert runner.guard._looks(runner, 4)
    runner.guard = GuardHook(policy='skip')
    assert runner.guard._looks(runner, 1)


@pytest.mark.parametrize(
    'settings, words',
    [
        (dict(policy='halt'), "policy='halt' is not known; allowed: 'stop', 'skip'"),
        (dict(policy='rolback'), "did you mean 'rollback'"),
        (dict(policy=None), 'policy=None is not known'),
        (dict(policy='warn'), "policy='warn' is not known"),
        (dict(policy=dict(type='stop', limit=3)), "policy option='limit' is not known"),
        (dict(policy=dict(type='skip', limt=3)), "did you mean 'limit'"),
        (dict(policy=dict(type='skip', limit=0)), 'limit=0 is out of range'),
        (dict(policy=dict(type='rollback', limit=1.5)), 'no whole number'),
        (dict(stalled='skip'), "stalled='skip' is not known; allowed: 'warn', 'stop'"),
        (dict(patience=0), 'patience=0'),
    ],
)
def test_settings_that_are_not_known_raise(settings, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        GuardHook(**settings)


def test_other_models_are_refused():
    with pytest.raises(ValueError, match='ConditionalGAN; found a Linear'):
        GuardHook().before_run(SimpleNamespace(model=torch.nn.Linear(1, 1)))


@pytest.mark.parametrize('value', [torch.nan, torch.inf])
def test_a_weight_that_is_not_finite_is_never_saved(tmp_path, value):
    runner = GuardedRun(tmp_path, GuardHook(), ema=dict(decay=0.5))
    meta = dict(meta=dict(iter=7), state_dict=runner.model.state_dict())
    runner.guard.before_save_checkpoint(runner, meta)
    with torch.no_grad():
        runner.model.generator_ema.map.bias[3] = value
    with pytest.raises(Diverged, match='generator_ema.map.bias is not finite after 7'):
        runner.guard.before_save_checkpoint(runner, meta)


# whole runs

FAULT = {
    'custom_imports.imports': '[guard_faults]',
    'default_hooks.fault.type': 'FaultHook',
    'default_hooks.checkpoint.interval': 2,
    'default_hooks.logger.interval': 1,
    'train_cfg.max_iters': 5,
}


def words(work_dir, *flags, **options) -> list[str]:
    metrics = "[dict(type='MetricsFileHook')]"
    return arguments(work_dir, *flags, hooks=True, custom_hooks=metrics, **options)


def trained(path) -> dict:
    return torch.load(path, weights_only=True)


def log_of(folder) -> str:
    return ''.join(path.read_text() for path in sorted(folder.glob('*/*.log')))


def test_a_run_stops_with_one_line_and_its_checkpoint_whole(tmp_path, capsys):
    assert run(words(tmp_path, **FAULT, default_hooks__fault__at=4)) != 0
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert 'iteration 4, update of the discriminator: loss_adversarial' in error
    assert f'The last good checkpoint is {tmp_path}/iter_2.pth' in error
    assert f'--work-dir {tmp_path} --resume' in error
    assert error.removeprefix('error: ').strip() in log_of(tmp_path)
    assert [path.name for path in tmp_path.glob('*.pth')] == ['iter_2.pth']
    state_dict = trained(tmp_path / 'iter_2.pth')['state_dict']
    floats = [v for v in state_dict.values() if torch.is_tensor(v)]
    assert all(v.isfinite().all() for v in floats if v.is_floating_point())


def test_a_run_that_went_back_goes_on_with_other_images_also_when_resumed(tmp_path):
    options = {
        **FAULT,
        'default_hooks.fault.at': 3,
        'default_hooks.guard.policy': 'rollback',
    }
    straight, halves = tmp_path / 'straight', tmp_path / 'halves'
    assert run(words(straight, **options)) == 0
    rows = read_metrics(straight / 'metrics.jsonl')
    assert [row['iteration'] for row in rows] == [1, 2, 3, 4, 5]
    log = log_of(straight)
    assert 'going back to' in log and '(time 1 of at most 3)' in log
    assert log.count('Iter(train) [3/5]') == 1  # the first third iteration is forgotten
    half = {**options, 'train_cfg.max_iters': 4}
    assert run(words(halves, **half)) == 0
    assert run(words(halves, '--resume', **options)) == 0
    first, second = trained(straight / 'iter_5.pth'), trained(halves / 'iter_5.pth')
    for part in ('state_dict', 'optimizer'):
        assert same_state(first[part], second[part]) == []
    assert first['bookkeeping']['redraws'] == second['bookkeeping']['redraws'] == 1
    undisturbed = tmp_path / 'undisturbed'
    assert run(words(undisturbed, **{**options, 'default_hooks.fault.at': 99})) == 0
    other = trained(undisturbed / 'iter_5.pth')
    assert same_state(first['state_dict'], other['state_dict'])
    assert 'redraws' not in other['bookkeeping']
