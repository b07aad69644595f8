"""The training loop: endless data from where the iteration says, a clean stop."""

from __future__ import annotations

from contextlib import suppress

from mmengine.runner import BaseLoop

from reacgan_plugin.data import build_train_loader, check_dataset, check_image_size
from reacgan_plugin.data.loader import next_batch
from reacgan_plugin.data.loading import BrokenImage
from reacgan_plugin.gan.faults import RolledBack
from reacgan_plugin.gan.randomness import redrawn
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
        check_image_size(dataset[0], size, channels=runner.model.image_channels)

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
        with StopRequest() as stop:
            while self._iter < self._max_iters:
                with suppress(RolledBack):
                    self._run_from_here(stop)
        runner.call_hook('after_train_epoch')
        runner.call_hook('after_train')
        return runner.model

    def _run_from_here(self, stop: StopRequest) -> None:
        runner, data = self.runner, self.dataloader
        redraws = runner.message_hub.runtime_info.get('redraws', 0)
        seed = redrawn(runner.seed, redraws)
        runner.model.seed = data.dataset.seed = data.sampler.seed = seed
        data.sampler.start_at(self._iter * runner.batch.micro_batches)
        batches = iter(data)
        try:
            self._run_through(batches, stop)
        finally:
            del batches  # ends its workers now, not while python shuts down

    def _run_through(self, batches, stop: StopRequest) -> None:
        while self._iter < self._max_iters:
            data, problem = next_batch(batches)
            # a process that ended alone would leave the others waiting for it
            stop.requested |= problem is not None
            if stop.agreed():
                checkpoint = self.runner.save_now()
                # all wait here for the first rank, which a launcher would kill if
                # others ended while it saves
                self._stop(checkpoint, stop.reasons(problem))
            self.run_iter(data)

    def _stop(self, checkpoint: str, problems: list[str]) -> None:
        if not problems:
            raise Interrupted(checkpoint, self._iter)
        raise BrokenImage(
            f'{"; ".join(problems)}; stopped after iteration {self._iter}, saved '
            f'{checkpoint}'
        )

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
