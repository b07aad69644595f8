"""Which checkpoints stay: the newest, and always one that is whole."""

from __future__ import annotations

from pathlib import Path

from mmengine.hooks import CheckpointHook, Hook

from reacgan_plugin import distributed

IDS = 'keep_ckpt_ids'  # iterations, in mmengine's message hub


class KeepNewest(Hook):
    """Removes outdated checkpoints once the newer one is whole.

    mmengine's hook removes before it writes, so that a kill or a full disk in between
    leaves fewer than ``max_keep_ckpts``, or none. It is made to keep one more, which is
    removed here afterwards.
    """

    def __init__(self):
        self.hook, self.most = None, -1

    def before_run(self, runner) -> None:
        for hook in runner.hooks:
            limited = isinstance(hook, CheckpointHook) and hook.max_keep_ckpts > 0
            if limited and hook is not self.hook:
                self.hook, self.most = hook, hook.max_keep_ckpts
                hook.max_keep_ckpts += 1

    def before_train(self, runner) -> None:
        self._remove_outdated(runner)  # what a kill left over

    def after_train_iter(self, runner, *args, **kwargs) -> None:
        self._remove_outdated(runner)

    def _remove_outdated(self, runner) -> None:
        if self.hook is None:
            return
        kept = self.hook.keep_ckpt_ids
        while len(kept) > self.most:
            outdated = kept.popleft()
            runner.message_hub.update_info(IDS, list(kept))
            # one that was written again, after going back, is not outdated
            if distributed.rank() == 0 and outdated not in kept:
                Path(runner.work_dir, f'iter_{outdated}.pth').unlink(missing_ok=True)


def note_kept(message_hub, iteration: int) -> None:
    """Count the checkpoint of an iteration among those of which the newest stay."""
    ids = [i for i in message_hub.runtime_info.get(IDS, ()) if i != iteration]
    message_hub.update_info(IDS, [*ids, iteration])


def check_checkpoint_hook(hook: Hook) -> None:
    """ValueError for settings with which a run would not find its checkpoints again."""
    if not isinstance(hook, CheckpointHook):
        return
    key = 'default_hooks.checkpoint'
    if hook.by_epoch:
        raise ValueError(
            f'{key}.by_epoch=True would save nothing before the end: iterations are '
            f'counted here; allowed: {key}.by_epoch=False'
        )
    if hook.out_dir is not None or hook.filename_tmpl != 'iter_{}.pth':
        raise ValueError(
            f'{key}: out_dir={hook.out_dir!r}, filename_tmpl={hook.filename_tmpl!r}, '
            'where --resume would not find what was saved; allowed: neither, and '
            '--work-dir for the folder'
        )
