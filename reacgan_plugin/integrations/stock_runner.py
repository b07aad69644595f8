"""Training a config of another OpenMMLab project as it is: mmagic's GANs."""

from __future__ import annotations

import logging

from mmengine.device import get_device
from mmengine.hooks import Hook
from mmengine.model import revert_sync_batchnorm
from mmengine.runner.checkpoint import get_state_dict, load_state_dict
from mmengine.utils import import_modules_from_strings

from reacgan_plugin import distributed
from reacgan_plugin.checkpoint import BadCheckpoint, differences
from reacgan_plugin.config import config_json
from reacgan_plugin.fine_tuning import of_another_shape, whole_weights
from reacgan_plugin.integrations.openmmlab import unwrapped
from reacgan_plugin.interrupt import Interrupted, StopRequest
from reacgan_plugin.safe_runner import OF_ONE_NETWORK, SafeRunner, refuse_keys

# mmengine's own list of what differs would be a second one
SILENT = logging.Logger('silent', level=logging.CRITICAL + 1)


class StockRunner(SafeRunner):
    """mmengine's runner for a stock config that counts iterations.

    What it changes: checkpoints are safe and resume with any torch; several processes
    also work without a GPU; Ctrl-C and SIGTERM save first.
    """

    @classmethod
    def from_cfg(cls, cfg) -> StockRunner:
        """Join the process group and build the runner.

        Raises: ValueError for a config that counts epochs, that no checkpoint could
        hold or that has a strategy for one network, and for several processes without
        a wrapper for two.
        """
        refuse_keys(cfg, OF_ONE_NETWORK)
        if cfg.get('train_cfg', {}).get('by_epoch', True):
            raise ValueError(
                'train_cfg.by_epoch: configs that count iterations are trained here; '
                'set train_cfg=dict(by_epoch=False, max_iters=...)'
            )
        if cfg.get('custom_imports'):
            import_modules_from_strings(**cfg.custom_imports)
        config_json(cfg)  # which every checkpoint will hold
        distributed.start_process_group(cfg.get('launcher', 'none'))
        if distributed.world_size() > 1 and not cfg.get('model_wrapper_cfg'):
            raise ValueError(
                'model_wrapper_cfg is missing: several processes train a GAN under '
                "model_wrapper_cfg=dict(type='MMSeparateDistributedDataParallel')"
            )
        runner = super().from_cfg(cfg)
        runner.register_hook(StopOnRequest(), priority='LOWEST')
        return runner

    def prepare(self) -> None:
        """Build what training needs, so that mistakes are found before the first step;
        the rest, in mmengine's order, is ``train``'s.

        Raises: ValueError for data without the classes that ``model.loss`` needs.
        """
        self._train_loop = self.build_train_loop(self._train_loop)
        self.optim_wrapper = self.build_optim_wrapper(self.optim_wrapper)
        if hasattr(unwrapped(self.model), 'conditioning'):
            _check_label(self.train_loop.dataloader.dataset[0])

    def train(self):
        with StopRequest() as self.stop:
            return super().train()

    def wrap_model(self, model_wrapper_cfg, model):
        if self.distributed and get_device() == 'cpu':
            # where DDP takes no device_ids, and synchronised batch norms do not work
            model_wrapper_cfg = {**(model_wrapper_cfg or {}), 'device_ids': None}
            model = revert_sync_batchnorm(model)
        return super().wrap_model(model_wrapper_cfg, model)

    def model_state(self) -> dict:
        return get_state_dict(self.model)  # whose names are those of one process

    def load_model_state(self, state: dict, source: str) -> None:
        own = get_state_dict(self.model)
        found = differences(own, state)
        if found and self._resume:
            raise BadCheckpoint(
                f'{source} does not fit the model of the config; {found}'
            )
        if found:
            self.logger.warning(f'{source} fits in part; {found}')
        # singular vectors stay with the weight that they belong to
        apart = whole_weights(of_another_shape(own, state), state)
        fitting = {name: value for name, value in state.items() if name not in apart}
        load_state_dict(self.model, fitting, strict=False, logger=SILENT)

    def class_names(self) -> list[str]:
        metainfo = getattr(self.train_loop.dataloader.dataset, 'metainfo', None) or {}
        return [str(name) for name in metainfo.get('classes') or ()]

    def start_at(self, iteration: int) -> None:
        self.train_loop._iter = iteration  # whose run() skips the batches before it


def _check_label(sample: dict) -> None:
    if 'gt_label' not in sample['data_samples']:
        raise ValueError(
            'model.loss needs the class of every image, but train_dataloader.dataset '
            'gives data samples without gt_label'
        )


class StopOnRequest(Hook):
    """Saves and stops a :class:`StockRunner` between two iterations."""

    def after_train_iter(self, runner, *args, **kwargs) -> None:
        if runner.stop.agreed():
            loop = runner.train_loop
            loop._iter += 1  # which the loop does after its hooks
            raise Interrupted(runner.save_now(), loop.iter)
