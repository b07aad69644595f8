"""mmengine's runner with checkpoints that are data: safe to load, whole when killed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.device import get_device
from mmengine.runner import Runner

from reacgan_plugin import __version__, distributed
from reacgan_plugin.checkpoint import (
    BadCheckpoint,
    bookkeeping,
    load_state,
    newest_checkpoint,
    plain_history,
    read_checkpoint,
    restore_history,
    write_checkpoint,
)
from reacgan_plugin.config import config_json

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
    collective; the newest checkpoint is found by its number. mmengine 0.10.7 cannot
    resume its own checkpoints with torch 2.6 and newer.
    """

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
        if distributed.rank() == 0:
            write_checkpoint(self._checkpoint({'iter': self.iter}), path)
        return str(path)

    def load_or_resume(self) -> None:
        """Load or resume what the config names, once; nothing to resume is no error."""
        if self._resume and not self._load_from and not self._has_loaded:
            newest = newest_checkpoint(self.work_dir)
            if newest is None:
                self.logger.info(f'No checkpoint in {self.work_dir}: starting anew')
            self._resume, self._load_from = newest is not None, newest
        super().load_or_resume()

    def to_start_from(self, state: dict) -> dict:
        """What a new run takes over of another run's state dict; here all of it."""
        return state

    def load_checkpoint(self, filename: str, *args, **kwargs) -> dict:
        """Load the model's weights alone, for a new run."""
        return self._loaded(filename, self.to_start_from)

    def _loaded(self, filename: str, taken: Callable[[dict], dict]) -> dict:
        checkpoint = read_checkpoint(filename)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        self.load_model_state(taken(checkpoint['state_dict']), filename)
        self.logger.info(f'Weights loaded from {filename}')
        return checkpoint

    def resume(self, filename: str, *args, **kwargs) -> None:
        """Go on exactly where a checkpoint stopped.

        Raises: BadCheckpoint for one of another model, of weights alone, or with
        other schedules.
        """
        checkpoint = self._loaded(filename, taken=dict)
        if 'optimizer' not in checkpoint:
            raise BadCheckpoint(f'{filename} has weights alone; use load_from instead')
        self._same_seed(checkpoint, filename)
        for name, state in checkpoint['optimizer'].items():
            self.optim_wrapper[name].load_state_dict(state)
        self._resume_schedules(checkpoint['param_schedulers'], filename)
        restore_history(self.message_hub, checkpoint['history'])
        for name, value in checkpoint.get('bookkeeping', {}).items():
            self.message_hub.update_info(name, value)
        self.start_at(checkpoint['meta']['iter'])
        self.logger.info(f'Resumed at iteration {self.iter}')

    def _resume_schedules(self, saved: dict, filename: str) -> None:
        ours = self.param_schedulers or {}
        counts = [{k: len(listed) for k, listed in d.items()} for d in (saved, ours)]
        if counts[0] != counts[1]:
            raise BadCheckpoint(
                f'{filename} was trained with another param_scheduler than the config '
                'has; to start from its weights alone, set load_from'
            )
        for name, schedulers in ours.items():
            for scheduler, state in zip(schedulers, saved[name], strict=True):
                scheduler.load_state_dict(state)

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

    def _same_seed(self, checkpoint: dict, filename: str) -> None:
        seed = checkpoint['meta'].get('seed')
        if seed != self.seed:
            self.logger.warning(
                f'{filename} was trained with seed {seed}, this run has {self.seed}: '
                'data order and noise differ from the run that is resumed'
            )

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
