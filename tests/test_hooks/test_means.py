from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import LoggerHook
from mmengine.logging import MessageHub

from reacgan_plugin.batch import Batch
from reacgan_plugin.hooks import RunningMeansHook
from reacgan_plugin.hooks.means import terms_of


@pytest.fixture
def hook_and_runner(request):
    hook = RunningMeansHook()
    hook.interval = 3
    hook._start_over()
    hub = MessageHub(request.node.name)
    return hook, SimpleNamespace(message_hub=hub, batch=Batch(8, d_updates=2))


def test_means_over_the_interval_are_handed_out_once(hook_and_runner):
    hook, runner = hook_and_runner
    for index, value in enumerate([1.0, 2.0, 6.0, 100.0]):
        outputs = {'d/loss': torch.tensor(value)}
        hook.after_train_iter(runner, index, outputs=outputs)
    values, _ = runner.message_hub.get_scalar('train/d/loss').data
    assert values.tolist() == [3.0]
    assert runner.message_hub.get_scalar('iteration').current() == 3
    assert runner.message_hub.get_scalar('train/images_per_second').current() > 0


def test_a_term_of_some_iterations_is_logged_as_zero_where_it_is_absent(
    hook_and_runner,
):
    hook, runner = hook_and_runner
    for index in range(6):
        lazy = {'d/loss_r1': torch.tensor(9.0)} if index == 0 else {}
        outputs = {'d/loss': torch.tensor(1.0), **lazy}
        hook.after_train_iter(runner, index, outputs=outputs)
    values, _ = runner.message_hub.get_scalar('train/d/loss_r1').data
    assert values.tolist() == [3.0, 0.0]


def test_nothing_is_read_on_the_host_between_two_log_lines(hook_and_runner):
    hook, runner = hook_and_runner
    on_device = torch.zeros((), device='meta')  # a meta tensor has no value to read
    for index in range(2):
        hook.after_train_iter(runner, index, outputs={'d/loss': on_device})
    with pytest.raises(RuntimeError, match='meta'):
        hook.after_train_iter(runner, 2, outputs={'d/loss': on_device})


def test_the_interval_is_the_loggers(hook_and_runner):
    hook, runner = hook_and_runner
    runner.hooks = [hook, LoggerHook(interval=7)]
    runner.epoch = runner.iter = 0
    runner.max_epochs = runner.max_iters = 1
    runner.train_dataloader = SimpleNamespace(dataset=None)
    hook.before_train(runner)
    assert hook.interval == 7


def test_a_lazy_term_that_was_logged_before_a_resume_is_zero_after_it(hook_and_runner):
    hook, runner = hook_and_runner
    for name in ('train/d/loss_r1', 'train/time', 'train/generator.lr', 'val/fid'):
        runner.message_hub.update_scalar(name, 5.0)
    assert terms_of(runner.message_hub) == ['d/loss_r1']
    hook.sums = dict.fromkeys(terms_of(runner.message_hub), 0)
    for index in range(3):
        hook.after_train_iter(runner, index, outputs={'d/loss': torch.tensor(1.0)})
    values, _ = runner.message_hub.get_scalar('train/d/loss_r1').data
    assert values.tolist() == [5.0, 0.0]
