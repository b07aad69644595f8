"""Path length regularisation of style-based generators (Karras et al. 2020,
"StyleGAN2", section 3.2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from reacgan_plugin.distributed import default_group, gather_rows
from reacgan_plugin.functional.penalties import path_lengths
from reacgan_plugin.gan.aside import aside
from reacgan_plugin.gan.technique import Judged
from reacgan_plugin.options import in_range
from reacgan_plugin.techniques.lazy import LazyPenalty


class PathLength(LazyPenalty):
    """Adds ``loss_path_length``: a step in w shall move the image by a fixed amount.

    weight x mean_i (|J_w^T y|_i - a)^2, with a the running mean of the lengths (Eq. 4).

    Args:
        weight: of the penalty.
        interval: the penalty is taken in every so many iterations, and then weighted
            by as much (section 3.1).
        decay: share of a that each batch replaces.
        batch_fraction: share of the batch that it is taken over, from its first row on.

    The running mean is kept in the state dict and is that of all processes.
    Raises: ValueError for a setting out of range, and, in a model, for a generator
    without ``styles`` and ``synthesis``.
    """

    def __init__(
        self,
        *,
        weight: float = 2.0,
        interval: int = 4,
        decay: float = 0.01,
        batch_fraction: float = 0.5,
    ):
        super().__init__(weight=weight, interval=interval)
        self.decay = in_range('decay', decay, above=0, up_to=1)
        self.batch_fraction = in_range(
            'batch_fraction', batch_fraction, above=0, up_to=1
        )
        self.register_buffer('mean', torch.zeros(()))

    def check(self, gan: nn.Module) -> None:
        generator = gan.generator
        if not (hasattr(generator, 'styles') and hasattr(generator, 'synthesis')):
            raise ValueError(
                'PathLength needs a generator with styles and synthesis, such as '
                f'StyleGAN2Generator; found {type(generator).__name__}'
            )

    def generator_penalties(self, judged: Judged, gan: nn.Module) -> dict[str, Tensor]:
        if not self.due(gan):
            return {}
        fake, generator = judged.fake, gan.generator
        rows = math.ceil(len(fake.label) * self.batch_fraction)
        z, label = fake.z[:rows], fake.label[:rows]
        with aside(generator):  # w's average belongs to the pass of the step
            ws = generator.styles(z, label)
            image = generator.synthesis(ws)
        lengths = path_lengths(image, ws, torch.randn_like(image))
        return {'loss_path_length': self.factor * self.penalty(lengths)}

    def penalty(self, lengths: Tensor) -> Tensor:
        """Mean squared distance of lengths (N,) from their running mean, which moves
        first; it is no constant to the gradient, as in the published runs."""
        gathered = gather_rows(lengths, default_group())
        mean = self.mean.lerp(gathered.mean(), self.decay)
        self.mean.copy_(mean.detach())
        return (lengths - mean).square().mean()

    def extra_repr(self) -> str:
        return (
            f'{super().extra_repr()}, decay={self.decay}, '
            f'batch_fraction={self.batch_fraction}'
        )
