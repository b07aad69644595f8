"""What happens to features, gradients and pairs while a GAN trains, for the log."""

from __future__ import annotations

import torch
from mmengine.hooks import Hook

from reacgan_plugin.diagnostics import diagnose
from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.options import whole

PREFIX = 'diagnostics/'


class DiagnosticsHook(Hook):
    """Logs :func:`~reacgan_plugin.diagnostics.diagnose` every n iterations.

    It looks at the batch of the iteration before the step does, with the weights that
    the step starts from, and leaves no trace in the training. The numbers go to the
    visualizer's backends, TensorBoard among them, as ``diagnostics/...``, to the log as
    a line of their own, and to every hook that has an ``after_diagnostics``. Between
    two of its iterations it does nothing; then the host waits for the device once.

    Args:
        interval: iterations between two looks. A look costs about a pass of each
            network and a power iteration of every weight.

    Raises: ValueError for an interval below 1, and, before training, for a model that
    is no ``ConditionalGAN``.
    """

    def __init__(self, *, interval: int = 100):
        self.interval = whole('interval', interval, above=0)

    def before_run(self, runner) -> None:
        """Refuse other models now, where it costs nothing."""
        if not isinstance(runner.model, ConditionalGAN):
            raise ValueError(
                f'DiagnosticsHook reads a ConditionalGAN; found a '
                f'{type(runner.model).__name__}'
            )

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        if not self.every_n_inner_iters(batch_idx, self.interval):
            return
        found = diagnose(runner.model, data_batch)  # on all ranks: it holds collectives
        values = torch.stack(list(found.values())).tolist()  # one wait for all
        scalars = {PREFIX + k: v for k, v in zip(found, values, strict=True)}
        iteration = batch_idx + 1
        runner.visualizer.add_scalars(scalars, step=iteration)
        listed = '  '.join(f'{k}: {v:.4g}' for k, v in zip(found, values, strict=True))
        runner.logger.info(f'diagnostics of iteration {iteration}  {listed}')
        runner.call_hook('after_diagnostics', iteration=iteration, scalars=scalars)
