"""mmengine's runner for two networks: safe checkpoints, resuming, one total batch."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

import torch
from mmengine.device import get_device
from mmengine.runner import Runner
from torch import nn

from reacgan_plugin import __version__, distributed
from reacgan_plugin.batch import Batch
from reacgan_plugin.checkpoint import (
    load_state,
    newest_checkpoint,
    plain_history,
    read_checkpoint,
    restore_history,
    write_checkpoint,
)
from reacgan_plugin.config import check_types, config_json
from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.registry import SCOPE

RUNS = count(1)  # of this process


class GANRunner(Runner):
    """Trains a :class:`~reacgan_plugin.gan.model.ConditionalGAN` from a config.

    What it changes of mmengine's runner: the process group also starts without a GPU;
    networks are wrapped one by one; checkpoints hold tensors and plain data only, are
    written aside and renamed, and load with ``weights_only=True``.
    """

    @classmethod
    def from_cfg(cls, cfg) -> GANRunner:
        """Check the config, join the process group, build the runner.

        Raises: ValueError for unknown types, a batch that does not divide, and keys
        that belong elsewhere.
        """
        cfg.setdefault('default_scope', SCOPE)
        if 'compile' in cfg:
            raise ValueError(
                'the key compile would compile the whole step, which breaks it; '
                'remove it'
            )
        check_types(cfg)
        config_json(cfg)  # which every checkpoint will hold
        distributed.start_process_group(cfg.get('launcher', 'none'))
        seed = cfg.get('randomness', {}).get('seed') or 0
        cfg.randomness = {**cfg.get('randomness', {}), 'seed': seed}
        cfg.model.seed = seed
        _batch_of(cfg)  # complains before anything is built
        # mmengine keeps hub, logger and visualizer by name and second: two runs of one
        # process within a second would share them
        cfg.experiment_name = f'{_name_of(cfg)}-{next(RUNS)}'
        return super().from_cfg(cfg)

    @property
    def batch(self) -> Batch:
        """How the config's total batch size is shared out."""
        return _batch_of(self.cfg)

    def wrap_model(self, model_wrapper_cfg, model):
        if not isinstance(model, ConditionalGAN):
            return super().wrap_model(model_wrapper_cfg, model)
        if self.cfg.get('sync_bn') and _on_several_gpus():
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        model = model.to(get_device())
        if distributed.world_size() > 1:
            model.distribute()
        return model

    def _init_model_weights(self) -> None:
        # ours are initialised where layers are made, under one seed on all ranks
        if not isinstance(self.model, ConditionalGAN):
            super()._init_model_weights()

    def build_train_loop(self, loop):
        if isinstance(loop, dict) and 'type' not in loop and 'by_epoch' not in loop:
            loop = {'type': 'GANTrainLoop', **loop}
        return super().build_train_loop(loop)

    def prepare(self) -> None:
        """Build what training needs and load what it starts from, so that mistakes in
        config, data and checkpoint are found before the first step.

        Raises: ValueError for data or a checkpoint that does not fit the model.
        """
        self._train_loop = self.build_train_loop(self._train_loop)
        self.optim_wrapper = self.build_optim_wrapper(self.optim_wrapper)
        if self.param_schedulers is not None:
            self.param_schedulers = self.build_param_scheduler(self.param_schedulers)
        self.load_or_resume()

    def build_param_scheduler(self, scheduler):
        """Schedules count iterations: the loop has no epochs."""
        return super().build_param_scheduler(_by_iteration(scheduler))

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

    def load_checkpoint(self, filename: str, *args, **kwargs) -> dict:
        """Load the model's weights alone."""
        checkpoint = read_checkpoint(filename)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        load_state(self.model, checkpoint['state_dict'], filename)
        self.logger.info(f'Weights loaded from {filename}')
        return checkpoint

    def resume(self, filename: str, *args, **kwargs) -> None:
        """Go on exactly where a checkpoint stopped."""
        checkpoint = self.load_checkpoint(filename)
        if 'optimizer' not in checkpoint:
            raise ValueError(f'{filename} has weights alone; use load_from instead')
        self._same_seed(checkpoint, filename)
        for name, state in checkpoint['optimizer'].items():
            self.optim_wrapper[name].load_state_dict(state)
        self._resume_schedules(checkpoint['param_schedulers'], filename)
        restore_history(self.message_hub, checkpoint['history'])
        self.train_loop.start_at(checkpoint['meta']['iter'])
        self.logger.info(f'Resumed at iteration {self.iter}')

    def _resume_schedules(self, saved: dict, filename: str) -> None:
        ours = self.param_schedulers or {}
        counts = [{k: len(listed) for k, listed in d.items()} for d in (saved, ours)]
        if counts[0] != counts[1]:
            raise ValueError(
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
            'classes': list(getattr(self.train_loop.dataset, 'classes', [])),
        }
        schedulers = self.param_schedulers or {}
        checkpoint = dict(
            meta=meta,
            state_dict=self.model.state_dict(),
            optimizer={k: w.state_dict() for k, w in self.optim_wrapper.items()},
            param_schedulers={
                k: [s.state_dict() for s in listed] for k, listed in schedulers.items()
            },
            history=plain_history(self.message_hub),
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


def _by_iteration(scheduler):
    """A scheduler's config, or a list or dict of them, with ``by_epoch=False``."""
    if isinstance(scheduler, list | tuple):
        return [_by_iteration(entry) for entry in scheduler]
    if not isinstance(scheduler, dict):
        return scheduler
    if 'type' not in scheduler:  # one entry a network
        return {name: _by_iteration(entry) for name, entry in scheduler.items()}
    if scheduler.get('by_epoch'):
        raise ValueError('param_scheduler.by_epoch=True: there are no epochs here')
    return {**scheduler, 'by_epoch': False}


def _on_several_gpus() -> bool:
    return torch.cuda.is_available() and distributed.world_size() > 1


def _name_of(cfg) -> str:
    return cfg.get('experiment_name') or Path(cfg.filename or 'run').stem


def _batch_of(cfg) -> Batch:
    if 'total_batch_size' not in cfg:
        raise ValueError(
            'total_batch_size is missing: the real images of one discriminator update, '
            'over all processes'
        )
    return Batch(
        cfg['total_batch_size'],
        world_size=distributed.world_size(),
        accumulation=cfg.model.get('accumulation', 1),
        d_updates=cfg.model.get('d_updates', 1),
    )
