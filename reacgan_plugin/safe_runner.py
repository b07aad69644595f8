"""mmengine's runner with checkpoints that are data: safe to load, whole when killed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from mmengine.device import get_device
from mmengine.runner import Runner

from reacgan_plugin import __version__, distributed
from reacgan_plugin.checkpoint import (
    BadCheckpoint,
    about,
    bookkeeping,
    differences,
    load_state,
    newest_checkpoint,
    newest_whole,
    note_last,
    plain_history,
    read_checkpoint,
    weights_of,
    write_checkpoint,
)
from reacgan_plugin.config import config_json
from reacgan_plugin.evaluation.ranks import Ranks
from reacgan_plugin.hook_checks import MMENGINES_HOOKS
from reacgan_plugin.keeping import KeepNewest, check_checkpoint_hook, note_kept
from reacgan_plugin.options import one_of
from reacgan_plugin.restoring import restore
from reacgan_plugin.resumable import check_parts, check_run, other_classes
from reacgan_plugin.traces import missing_folders, take_back
from reacgan_plugin.unwritten import IN_MID_RUN, Unwritten, without_lines

AUTO = 'auto'  # of the key resume: from the newest checkpoint of the work dir
TWO_NETWORKS = (
    "strategies of mmengine's FlexibleRunner (FSDP, DeepSpeed) wrap a model as one "
    'network, where a GAN steps two in turn; several processes train with --launcher'
)
OF_ONE_NETWORK = {
    'strategy': f'is not for GANs: {TWO_NETWORKS}',
    'runner_type': f'would choose another runner, but {TWO_NETWORKS}',
}


def refuse_keys(cfg, reasons: dict[str, str]) -> None:
    """ValueError for a config with one of the keys, with the reason."""
    for key, reason in reasons.items():
        if key in cfg:
            raise ValueError(f'the key {key} {reason}; remove it')


class SafeRunner(Runner):
    """Saves, loads and resumes without pickle.

    What it changes of mmengine's runner: checkpoints hold tensors and plain data only,
    are written aside and renamed, and load with ``weights_only=True``; saving holds no
    collective; the newest checkpoint that is whole is found by its number, and an old
    one goes only once the newer one is there; pictures and logs that cannot be written
    are warnings, a checkpoint is an error. mmengine 0.10.7 cannot resume its own
    checkpoints with torch 2.6 and newer.
    """

    def __init__(self, *args, work_dir: str, resume: bool | str = False, **kwargs):
        one_of('resume', resume, (False, True, AUTO))
        self._unwritten = Unwritten()
        self._begun = False
        self._made = missing_folders(work_dir)
        with self.or_nothing():
            super().__init__(*args, work_dir=work_dir, resume=resume, **kwargs)

    @contextmanager
    def or_nothing(self) -> Iterator[None]:
        """What is written inside is taken back where an error shows that the run cannot
        begin."""
        try:
            yield
        except Exception:
            take_back(self, self._made)
            raise

    def begin(self) -> None:
        """Let hooks look up what they need, once: where the run is prepared, or else
        when it starts."""
        if not self._begun:
            super().call_hook('before_run')
        self._begun = True

    def dump_config(self) -> None:
        """Nothing yet: mmengine calls it before the checks are through."""

    def train(self):
        super().dump_config()
        return super().train()

    def register_default_hooks(self, hooks: dict | None = None) -> None:
        """As mmengine, but None leaves any hook out, not only one of its own six."""
        named = (hooks or {}).items()
        super().register_default_hooks(
            {k: hook for k, hook in named if hook is not None or k in MMENGINES_HOOKS}
        )

    def register_hooks(self, *args, **kwargs) -> None:
        super().register_hooks(*args, **kwargs)
        for hook in self.hooks:
            check_checkpoint_hook(hook)
        self.register_hook(KeepNewest(), priority='LOWEST')

    def call_hook(self, fn_name: str, **kwargs) -> None:
        """As mmengine, but a picture or a log that cannot be written ends no run."""
        if fn_name == 'before_run':
            return self.begin()
        if fn_name in IN_MID_RUN:
            return self._unwritten.call(self, fn_name, **kwargs)
        super().call_hook(fn_name, **kwargs)

    def build_logger(self, *args, **kwargs):
        return without_lines(super().build_logger(*args, **kwargs))

    def model_state(self) -> dict:
        """The state dict that a checkpoint holds."""
        return self.model.state_dict()

    def load_model_state(self, state: dict, source: str) -> None:
        """Load what :meth:`model_state` gave, every entry of it."""
        load_state(self.model, state, source)

    def class_names(self) -> list[str]:
        """Names of the classes that the training data has, if it says."""
        return list(getattr(self.train_loop.dataset, 'classes', []))

    def start_at(self, iteration: int) -> None:
        """Where the training loop begins."""
        self.train_loop.start_at(iteration)

    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        file_client_args: dict | None = None,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        meta: dict | None = None,
        by_epoch: bool = False,
        backend_args: dict | None = None,
    ) -> None:
        """Save on rank 0, without any collective; mmengine's hook calls it."""
        if distributed.rank() == 0:
            meta = {**(meta or {}), 'iter': self.iter + 1}
            write_checkpoint(self._checkpoint(meta), Path(out_dir, filename))

    def save_now(self) -> str:
        """Save between two iterations; returns the checkpoint's path."""
        path = Path(self.work_dir, f'iter_{self.iter}.pth')
        note_kept(self.message_hub, self.iter)
        if distributed.rank() == 0:
            write_checkpoint(self._checkpoint({'iter': self.iter}), path)
            note_last(path)
        return str(path)

    def load_or_resume(self) -> None:
        """Load or resume what the config names, once. Nothing to resume is no error: a
        run then starts from ``load_from``, if that is given beside ``resume='auto'``,
        or anew. A folder in which every checkpoint is broken is one."""
        if self._has_loaded:
            return
        if self._resume == AUTO or (self._resume and not self._load_from):
            newest = self._newest_whole()
            self._load_from = newest or self._load_from
            self._resume = newest is not None
        elif not self._resume:
            self._note_earlier_run()
        super().load_or_resume()

    def _newest_whole(self) -> Path | None:
        """The first rank chooses, so that all go on from the same."""
        path, problems, failure = Ranks().by_first(self._chosen)
        if failure is not None:
            raise BadCheckpoint(failure)
        if problems:
            self.logger.warning(f'{"; ".join(problems)}. Going on from {path} instead')
        if path is None:
            start = f'from {self._load_from}' if self._load_from else 'anew'
            self.logger.info(f'No checkpoint in {self.work_dir}: starting {start}')
        return path

    def _chosen(self) -> tuple[Path | None, list[str], str | None]:
        try:
            return *newest_whole(self.work_dir), None
        except BadCheckpoint as error:
            return None, [], str(error)

    def _note_earlier_run(self) -> None:
        newest = newest_checkpoint(self.work_dir)
        if newest is not None:
            self.logger.warning(
                f'{newest} is of an earlier run, which --resume would go on with; this '
                'run begins anew and will write over its files'
            )

    def to_start_from(self, state: dict) -> dict:
        """What a new run takes over of another run's state dict; here all of it."""
        return state

    def load_checkpoint(self, filename: str, *args, **kwargs) -> dict:
        """Load the model's weights alone, for a new run."""
        checkpoint = read_checkpoint(filename)
        weights_of(checkpoint, filename)
        self._load_weights(checkpoint, filename, self.to_start_from)
        problem = other_classes(self.class_names(), about(checkpoint))
        if problem:
            self.logger.warning(f'{filename} {problem}')
        return checkpoint

    def _load_weights(
        self, checkpoint: dict, filename: str, taken: Callable[[dict], dict]
    ) -> None:
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        self.load_model_state(taken(checkpoint['state_dict']), filename)
        self.logger.info(f'Weights loaded from {filename}')

    def resume(self, filename: str, *args, **kwargs) -> None:
        """Go on exactly where a checkpoint stopped.

        Raises: BadCheckpoint, before anything is loaded, for one of another model, of
        weights alone, or with other classes, optimizers or schedules.
        """
        checkpoint = read_checkpoint(filename)
        check_parts(checkpoint, filename)
        if not differences(self.model_state(), checkpoint['state_dict']):
            check_run(self, checkpoint, filename)
        with self._resuming():
            self._load_weights(checkpoint, filename, taken=dict)  # or says what differs
        restore(self, checkpoint, filename)
        self.start_at(checkpoint['meta']['iter'])
        self.logger.info(f'Resumed at iteration {self.iter}')
        if self.iter >= self.max_iters:
            self.logger.warning(
                f'{filename} is the end of a run of {self.iter} iterations, and '
                f'train_cfg.max_iters={self.max_iters}: nothing is left to train'
            )

    @contextmanager
    def _resuming(self) -> Iterator[None]:
        """Hooks ask the runner which of a checkpoint's weights are wanted, also where a
        run that began anew goes back."""
        before, self._resume = self._resume, True
        try:
            yield
        finally:
            self._resume = before

    def _checkpoint(self, meta: dict) -> dict:
        meta = {
            **meta,
            'version': __version__,
            'torch': str(torch.__version__),
            'seed': self.seed,
            'config': config_json(self.cfg),
            'classes': self.class_names(),
        }
        schedulers = self.param_schedulers or {}
        checkpoint = dict(
            meta=meta,
            state_dict=self.model_state(),
            optimizer={k: w.state_dict() for k, w in self.optim_wrapper.items()},
            param_schedulers={
                k: [s.state_dict() for s in listed] for k, listed in schedulers.items()
            },
            history=plain_history(self.message_hub),
            bookkeeping=bookkeeping(self.message_hub),
        )
        self.call_hook('before_save_checkpoint', checkpoint=checkpoint)
        return checkpoint

    def get_hooks_info(self) -> str:
        return ', '.join(type(hook).__name__ for hook in self.hooks)

    def _log_env(self, env_cfg: dict) -> None:
        device = get_device()
        if device == 'cuda':
            device = torch.cuda.get_device_name()
        self.logger.info(
            f'reacgan_plugin {__version__}, torch {torch.__version__}, {device}, '
            f'{self.world_size} process(es), {torch.get_num_threads()} threads, '
            f'{os.cpu_count()} cores, seed {self.seed}'
        )
