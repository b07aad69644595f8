from types import SimpleNamespace

from mmengine.hooks import Hook

from reacgan_plugin.checking.runner import CheckRunner
from reacgan_plugin.hooks import SampleGridHook


def test_hooks_of_this_package_look_things_up_and_those_of_users_do_not_begin():
    begun = []

    class Ours(SampleGridHook):
        def before_run(self, runner):
            begun.append(runner)

    class Theirs(Hook):
        def before_run(self, runner):
            raise AssertionError('it may write')

    Ours.__module__ = 'reacgan_plugin.hooks.samples'
    runner = SimpleNamespace(hooks=[Ours(), Theirs()])
    CheckRunner.begin(runner)
    assert begun == [runner]
