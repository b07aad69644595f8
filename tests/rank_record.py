"""A hook that writes what a rank saw and ended with, one file a rank."""

from pathlib import Path

import torch
from mmengine.hooks import Hook

from reacgan_plugin import distributed
from reacgan_plugin.registry import HOOKS


@HOOKS.register_module(force=True)
class RankRecordHook(Hook):
    """Writes ``rankN.pt``: state of the model, last images and fakes of its rank."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.image = data_batch['image']

    def after_train(self, runner):
        model = runner.model
        z, label = model.draw_latents(4)
        state = {k: v for k, v in model.state_dict().items() if torch.is_tensor(v)}
        record = dict(state=state, image=self.image, fake=model(z[0], label[0]))
        torch.save(record, Path(runner.work_dir, f'rank{distributed.rank()}.pt'))
