"""The runner of our own models: two networks, one total batch, checks beforehand."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import torch
from mmengine.device import get_device
from torch import nn

from reacgan_plugin import distributed
from reacgan_plugin.batch import Batch
from reacgan_plugin.checking.warnings import warnings_of
from reacgan_plugin.checkpoint import BadCheckpoint, differences
from reacgan_plugin.config import config_json
from reacgan_plugin.config_checks import check_types
from reacgan_plugin.fine_tuning import Start, start_from
from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.gan.negatives import describe_negatives
from reacgan_plugin.gan.schedules import schedules_by_network
from reacgan_plugin.registry import SCOPE
from reacgan_plugin.safe_runner import OF_ONE_NETWORK, SafeRunner, refuse_keys

RUNS = count(1)  # of this process
# keys of mmengine that are none of ours, and why
REFUSED = {
    'compile': 'would compile the whole step, which breaks it; the networks alone '
    'are compiled by model=dict(compile=dict(mode=...))',
    **dict.fromkeys(
        ('val_cfg', 'val_dataloader', 'val_evaluator'),
        'belongs to a loop over labelled images; samples are evaluated by a hook: '
        "default_hooks=dict(evaluation=dict(type='EvaluationHook', metrics=[...]))",
    ),
    **OF_ONE_NETWORK,
}


class GANRunner(SafeRunner):
    """Trains a :class:`~reacgan_plugin.gan.model.ConditionalGAN` from a config.

    What it changes of mmengine's runner beside the checkpoints: the process group also
    starts without a GPU; networks are wrapped one by one; one total batch is shared out
    over processes.
    """

    @classmethod
    def from_cfg(cls, cfg) -> GANRunner:
        """Check the config, join the process group, build the runner.

        Raises: ValueError for unknown types, a batch that does not divide, and keys
        that belong elsewhere.
        """
        cfg.setdefault('default_scope', SCOPE)
        refuse_keys(cfg, REFUSED)
        check_types(cfg)
        schedules_by_network(cfg.get('param_scheduler') or [])  # complains now
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
        self._log_negatives()
        self._train_loop = self.build_train_loop(self._train_loop)
        for warning in self.warnings():
            self.logger.warning(warning)
        self.model.fake_labels.count(getattr(self.train_loop.dataset, 'labels', None))
        self.optim_wrapper = self.build_optim_wrapper(self.optim_wrapper)
        if self.param_schedulers is not None:
            self.param_schedulers = self.build_param_scheduler(self.param_schedulers)
        self.begin()
        self.load_or_resume()

    def to_start_from(self, state: dict) -> dict:
        """Networks alone, and of them what fits this model's classes and conditioning;
        see :mod:`reacgan_plugin.fine_tuning`."""
        start = self._start_from(state)
        if not differences(self.model.state_dict(), start.state):
            for remark in start.remarks:
                self.logger.warning(f'{self._load_from} is {remark}')
        return start.state

    def load_model_state(self, state: dict, source: str) -> None:
        try:
            super().load_model_state(state, source)
        except BadCheckpoint as error:
            own = self.model.state_dict()
            if not self._resume or differences(own, self._start_from(state).state):
                raise
            raise BadCheckpoint(
                f'{error}; to start a new run from its networks, set load_from'
            ) from error

    def _start_from(self, state: dict) -> Start:
        return start_from(self.model, state, self.cfg.model.generator)

    def warnings(self, batch: Batch | None = None) -> list[str]:
        """What the data and the batch, of this run or another one, give to think about,
        one sentence each."""
        return warnings_of(
            self.model,
            batch or self.batch,
            self.train_loop.dataset,
            class_balanced=self.cfg.train_dataloader.get('class_balanced', False),
        )

    def _log_negatives(self) -> None:
        exact = self.model.accumulation_mode == 'exact'
        negatives = describe_negatives(self.model.loss, self.batch, exact)
        if negatives:
            self.logger.info(negatives)

    def build_param_scheduler(self, scheduler):
        """A list of schedules for each network; ValueError for settings that one does
        not take."""
        try:
            return super().build_param_scheduler(schedules_by_network(scheduler))
        except (TypeError, ValueError, AssertionError) as error:
            raise ValueError(f'param_scheduler: {error}') from error


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
