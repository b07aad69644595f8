"""An exponential average of the discriminator, for evaluation; a classifier's average
is a better classifier (Tarvainen and Valpola 2017, "Mean teachers are better role
models", section 2)."""

from __future__ import annotations

from torch import Tensor, nn

from reacgan_plugin.distributed import world_size
from reacgan_plugin.gan.ema import averaged_copy, ema_settings
from reacgan_plugin.gan.technique import Judged, Technique


class DiscriminatorAverage(Technique):
    """Keeps an average of the discriminator as ``average``, a frozen module in
    evaluation mode that is called as the discriminator is; training never reads it.

    Args:
        decay, half_life, ramp_up, start: as of
            :class:`~reacgan_plugin.gan.ema.Average`; with none of the first two
            ``decay`` is 0.9999. It is a copy after the first iteration, so that it
            begins with what ``load_from`` loaded. One iteration counts once, however
            many discriminator updates it has, and as the images of one of them.

    It is in the model's state dict and takes the memory of one more discriminator.
    Raises: ValueError for settings that are not allowed.
    """

    def __init__(
        self,
        *,
        decay: float | None = None,
        half_life: float | None = None,
        ramp_up: float | None = None,
        start: int = 1,
    ):
        super().__init__()
        given = dict(decay=decay, half_life=half_life, ramp_up=ramp_up, start=start)
        given = {name: value for name, value in given.items() if value is not None}
        self.settings = ema_settings(given, type(self).__name__)
        self.average: nn.Module | None = None
        self.batch = 1

    def check(self, gan: nn.Module) -> None:
        self.average = averaged_copy(gan.discriminator)

    def train(self, mode: bool = True) -> DiscriminatorAverage:
        super().train(mode)
        if self.average is not None:
            self.average.eval()
        return self

    def discriminator_penalties(
        self, judged: Judged, gan: nn.Module
    ) -> dict[str, Tensor]:
        # of a micro-batch in either mode of accumulation
        self.batch = len(judged.fake.label) * gan.accumulation * world_size()
        return {}

    def after_update(self, outputs: dict[str, Tensor], gan: nn.Module) -> None:
        self.settings.move(self.average, gan.discriminator, gan.iteration, self.batch)

    def extra_repr(self) -> str:
        return ', '.join(f'{k}={v}' for k, v in self.settings._asdict().items())
