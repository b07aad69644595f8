"""Worlds of one to four ranks, which train the same model on their own rows of the same
global batches: what each rank of each world ends with, into files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torch._dynamo  # which DDP imports, in the forks of this process
from forks import fork_ranks
from mmengine.model import BaseDataPreprocessor
from mmengine.optim import OptimWrapper, OptimWrapperDict
from tiny_gan import CLASSES, NETWORKS, Z_DIM, gradients, latents, state
from tiny_gan import batch as global_batch
from tiny_methods import METHODS
from torch import Tensor, nn

from reacgan_plugin.backbones import (
    BigGANDiscriminator,
    BigGANGenerator,
    StyleGAN2Discriminator,
    StyleGAN2Generator,
)
from reacgan_plugin.distributed import (
    end_process_group,
    rank,
    start_process_group,
    world_size,
)
from reacgan_plugin.gan.adversarial import Hinge
from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.gan.terms import merged, total
from reacgan_plugin.techniques import R1

WORLDS = (1, 2, 3, 4)
ROWS, SIZE, ITERATIONS = 24, 8, 5
SETTINGS = {
    'D2DCE with R1': lambda: dict(
        loss=METHODS['D2DCE'](), techniques=[R1(weight=5.0, interval=2)]
    ),
    **{name: lambda make=make: dict(loss=make()) for name, make in METHODS.items()},
}


def stylegan2() -> dict[str, nn.Module]:
    """Without batch statistics: no standard deviation of the batch, and in evaluation
    mode the generator's noise is constant, which is drawn per rank otherwise."""
    widths = dict(size=SIZE, channel_base=32, channel_max=8)
    generator = StyleGAN2Generator(
        num_classes=CLASSES, z_dim=Z_DIM, w_dim=4, mapping_layers=2, **widths
    )
    discriminator = StyleGAN2Discriminator(stddev_channels=0, **widths)
    return dict(generator=generator.eval(), discriminator=discriminator)


def biggan(statistics: bool = False) -> dict[str, nn.Module]:
    """Spectral norm iterates; batch norms take statistics of the batch or have none."""
    generator = BigGANGenerator(
        size=SIZE,
        num_classes=CLASSES,
        z_dim=Z_DIM,
        shared_dim=2,
        base_channels=2,
        attention_at=(8,),
    )
    discriminator = BigGANDiscriminator(size=SIZE, base_channels=4, attention_at=(4,))
    for part in generator.modules():
        if isinstance(part, nn.BatchNorm2d) and not statistics:
            part.eval()
    return dict(generator=generator, discriminator=discriminator)


def built(networks: Callable, name: str) -> ConditionalGAN:
    torch.manual_seed(0)
    # given, since to look them up would import every component in each rank; ours would
    # make images float32
    given = dict(data_preprocessor=BaseDataPreprocessor(), adversarial_loss=Hinge())
    model = ConditionalGAN(
        **networks(),
        **SETTINGS[name](),
        **given,
        num_classes=CLASSES,
        ema=dict(decay=0.5),
    )
    if world_size() > 1:
        model.distribute()
    return model


def own(rows: Tensor) -> Tensor:
    """This rank's rows of a global batch."""
    return rows.chunk(world_size())[rank()]


def trained(networks: Callable, name: str) -> dict[str, Tensor]:
    """State after five iterations with Adam."""
    model = built(networks, name)
    optimizers = OptimWrapperDict(
        **{
            key: OptimWrapper(
                torch.optim.Adam(getattr(model, key).parameters(), 1e-3, (0.0, 0.999))
            )
            for key in NETWORKS
        }
    )
    for iteration in range(ITERATIONS):
        data = global_batch(ROWS, SIZE, seed=iteration)
        model.train_step({k: own(v) for k, v in data.items()}, optimizers)
    return state(model)


def gradients_of_given_images(name: str) -> dict[str, Tensor]:
    """Of a BigGAN's discriminator, which judges twice before one backward pass."""
    model = built(lambda: biggan(statistics=True), name)
    real, (z, fake_label) = global_batch(ROWS, SIZE), latents(ROWS)
    with torch.no_grad():
        fake_image = model.generator(z, fake_label)
    judge = model.parallel.forward_of('discriminator', model.discriminator)
    output = judge(own(real['image']), own(real['label']))
    fake = judge(own(fake_image), own(fake_label), fake=True)._replace(z=own(z))
    terms = merged(
        {'loss_adversarial': model.adversarial_loss.discriminator(output, fake)},
        model.loss.discriminator(output, fake),
    )
    total(terms).backward()
    return gradients(model.discriminator)


PARTS = {
    'StyleGAN2': partial(trained, stylegan2),
    'BigGAN': partial(trained, biggan),
    'given images': gradients_of_given_images,
}
CASES = {
    f'{part}, {name}': partial(results, name)
    for part, results in PARTS.items()
    for name in SETTINGS
}


def main(names: list[str], folder: str) -> None:
    # Adam would blow up float32's rounding where a gradient is 0 but for that
    torch.set_default_dtype(torch.float64)
    start_process_group('pytorch')
    torch.save({name: CASES[name]() for name in names}, f'{folder}/{rank()}.pt')
    end_process_group()


if __name__ == '__main__':
    *names, folder = sys.argv[1:]
    for world in WORLDS:
        of_world = Path(folder, str(world))
        of_world.mkdir()
        fork_ranks(world, partial(main, names, str(of_world)))
