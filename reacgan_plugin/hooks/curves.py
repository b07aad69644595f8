"""Loss curves as one picture when training ends."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure
from mmengine.dist import master_only
from mmengine.hooks import Hook

PANELS = {
    'discriminator loss': ('d/loss', 'd/loss_adversarial', 'd/loss_conditioning'),
    'generator loss': ('g/loss', 'g/loss_adversarial', 'g/loss_conditioning'),
    'mean logits': ('d/logit_real', 'd/logit_fake'),
}


class LossCurveHook(Hook):
    """Writes ``curves.png``: losses of both networks and the logits of D."""

    priority = 'LOW'

    @master_only
    def after_train(self, runner) -> None:
        history = {
            name.removeprefix('train/'): buffer.data[0]
            for name, buffer in runner.message_hub.log_scalars.items()
        }
        if 'iteration' not in history:
            return  # shorter than one log interval
        figure = Figure(figsize=(15, 4), layout='tight')  # needs no screen
        axes = figure.subplots(1, len(PANELS))
        for axis, (title, names) in zip(axes, PANELS.items(), strict=True):
            for name in names:
                if name in history:
                    axis.plot(history['iteration'], history[name], label=name)
            axis.set(title=title, xlabel='iteration')
            if axis.lines:
                axis.legend()
        figure.savefig(Path(runner.work_dir, 'curves.png'))
