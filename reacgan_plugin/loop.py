"""The training loop: endless data from where the iteration says, a clean stop."""

from __future__ import annotations

from mmengine.runner import BaseLoop

from reacgan_plugin.data import build_train_loader, check_dataset, check_image_size
from reacgan_plugin.interrupt import Interrupted, StopRequest
from reacgan_plugin.options import in_range


class GANTrainLoop(BaseLoop):
    """Runs ``model.train_step`` for ``max_iters`` iterations.

    Args:
        runner: the :class:`~reacgan_plugin.runner.GANRunner`.
        dataloader: config of the training data, see ``build_train_loader``.
        max_iters: generator updates in all.

    The data set and its first image are checked against the model when the loop is
    built; workers start in ``run``, at the runner's iteration.
    Raises: ValueError for data that does not fit the model.
    """

    def __init__(self, runner, dataloader: dict, max_iters: int):
        self._runner = runner
        in_range('train_cfg.max_iters', max_iters, above=0)
        self._max_iters, self._iter = max_iters, 0
        batch = runner.batch
        self.dataloader = build_train_loader(
            dataloader,
            seed=runner.seed,
            micro_batch=batch.micro_batch,
            micro_batches_per_iteration=batch.micro_batches,
            rank=runner.rank,
            world_size=runner.world_size,
        )
        self.dataset = dataset = self.dataloader.dataset.dataset
        check_dataset(dataset, runner.model.num_classes)
        size = getattr(runner.model.generator, 'size', None)
        if size is not None:
            check_image_size(dataset[0], size, channels=3)

    max_epochs = 1  # mmengine's hooks count epochs; this loop has none
    epoch = 0

    @property
    def max_iters(self) -> int:
        return self._max_iters

    @property
    def iter(self) -> int:
        return self._iter

    def run(self):
        """Train from the current iteration to the last one; returns the model."""
        runner = self.runner
        runner.call_hook('before_train')
        runner.call_hook('before_train_epoch')
        runner.model.train()
        self.dataloader.sampler.start_at(self._iter * runner.batch.micro_batches)
        batches = iter(self.dataloader)
        try:
            self._run_through(batches)
        finally:
            del batches  # ends its workers now, not while python shuts down
        runner.call_hook('after_train_epoch')
        runner.call_hook('after_train')
        return runner.model

    def _run_through(self, batches) -> None:
        with StopRequest() as stop:
            while self._iter < self._max_iters:
                self.run_iter(next(batches))
                if stop.agreed():
                    raise Interrupted(self.runner.save_now(), self._iter)

    def run_iter(self, data: dict) -> None:
        """One iteration with its hooks."""
        batch = dict(batch_idx=self._iter, data_batch=data)
        self.runner.call_hook('before_train_iter', **batch)
        outputs = self.runner.model.train_step(
            data, optim_wrapper=self.runner.optim_wrapper
        )
        self.runner.call_hook('after_train_iter', **batch, outputs=outputs)
        self._iter += 1

    def start_at(self, iteration: int) -> None:
        """Where the next ``run`` begins."""
        self._iter = iteration
