"""Every technique with every conditioning on real digits, in networks of the least
width; run as a program, on two processes."""

from __future__ import annotations

import itertools
import random
import sys
from functools import cache, partial

import torch
import torch._dynamo  # which DDP imports, in the forks of this process
from forks import fork_ranks
from mmengine.optim import OptimWrapper, OptimWrapperDict
from sklearn.datasets import load_digits
from tiny_gan import CLASSES, NETWORKS, Z_DIM, state
from tiny_methods import METHODS
from torch import Tensor

from reacgan_plugin import distributed, techniques
from reacgan_plugin.backbones import StyleGAN2Discriminator, StyleGAN2Generator
from reacgan_plugin.data.preprocess import ImagePreprocessor
from reacgan_plugin.gan.adversarial import Hinge
from reacgan_plugin.gan.model import ConditionalGAN

ROWS, SIZE, ITERATIONS = 8, 16, 20
OPTIONS = {  # those without a default, and such that 20 iterations meet every branch
    'FreezeD': dict(layers=1),
    'TopK': dict(interval=4),
    'ADA': dict(strength=0.5, policy='bgcfnc'),
    'APA': dict(strength=0.5),
    'LeCam': dict(start=5),
    'LatentOptimisation': dict(weight=1.0),
    'Orthogonal': dict(weight=1e-6),
    **{name: dict(interval=4) for name in ('R1', 'R2', 'PathLength')},
}
TECHNIQUES = techniques.__all__
Case = tuple[str, tuple[str, ...]]  # a method and names of techniques
ALONE: list[Case] = [
    (method, (name,)) for method, name in itertools.product(METHODS, TECHNIQUES)
]


def combinations(count: int, size: int, seed: int) -> list[Case]:
    """Methods with techniques drawn without replacement; every technique comes up
    before any comes up again."""
    draw, drawn, pool = random.Random(seed), [], []
    for _ in range(count):
        names: list[str] = []
        while len(names) < size:
            pool = pool or draw.sample(TECHNIQUES, len(TECHNIQUES))
            name = pool.pop()
            if name not in names:
                names.append(name)
        drawn.append((draw.choice(list(METHODS)), tuple(names)))
    return drawn


@cache
def digits() -> tuple[Tensor, Tensor]:
    """Images (N, 3, 16, 16) in [-1, 1] of the first three classes, and labels."""
    bunch = load_digits(n_class=CLASSES)
    image = torch.from_numpy(bunch.images).float()[:, None] / 8 - 1
    image = image.repeat_interleave(2, 2).repeat_interleave(2, 3)
    return image.expand(-1, 3, -1, -1).contiguous(), torch.from_numpy(bunch.target)


def built(case: Case) -> ConditionalGAN:
    """Without a standard deviation of the batch, which would tie rows together.

    Raises: ValueError where a technique refuses the conditioning.
    """
    method, names = case
    torch.manual_seed(0)
    widths = dict(size=SIZE, channel_base=64, channel_max=8)
    model = ConditionalGAN(
        StyleGAN2Generator(
            num_classes=CLASSES, z_dim=Z_DIM, w_dim=4, mapping_layers=2, **widths
        ),
        StyleGAN2Discriminator(stddev_channels=0, **widths),
        METHODS[method](),
        num_classes=CLASSES,
        adversarial_loss=Hinge(),
        data_preprocessor=ImagePreprocessor(),
        techniques=[getattr(techniques, n)(**OPTIONS.get(n, {})) for n in names],
    )
    if distributed.world_size() > 1:
        model.distribute()
    return model.train()


def trained(case: Case) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """State and last terms after 20 iterations with Adam."""
    model = built(case)
    optimizers = OptimWrapperDict(
        **{
            name: OptimWrapper(
                torch.optim.Adam(getattr(model, name).parameters(), 1e-3, (0.0, 0.99))
            )
            for name in NETWORKS
        }
    )
    images, labels = digits()
    world, rank = distributed.world_size(), distributed.rank()
    for iteration in range(ITERATIONS):
        rows = torch.arange(iteration * ROWS, (iteration + 1) * ROWS).chunk(world)[rank]
        data = dict(image=images[rows], label=labels[rows])
        terms = model.train_step(data, optimizers)
    return state(model), terms


def main(cases: list[Case], folder: str) -> None:
    torch.set_num_threads(1)
    distributed.start_process_group('pytorch')
    found = {repr(case): trained(case) for case in cases}
    torch.save(found, f'{folder}/{distributed.rank()}.pt')
    distributed.end_process_group()


if __name__ == '__main__':
    *words, folder = sys.argv[1:]
    cases = [(method, tuple(names)) for method, *names in (w.split('|') for w in words)]
    digits()
    fork_ranks(2, partial(main, cases, folder))
