"""One rank of a group that updates a stock discriminator under mmagic's wrapper."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from mmengine.logging import MessageHub
from mmengine.model import MMSeparateDistributedDataParallel, revert_sync_batchnorm
from stock import CLASSES, ROWS, Keeping, built, data, gradients, optimizers

import reacgan_plugin.integrations.mmagic  # noqa: F401
from reacgan_plugin import distributed

LOSSES = {
    'D2DCE': dict(type='D2DCE', embed_dim=8),
    'MH': dict(type='MH'),
    'SPD': dict(type='SPD'),
    'TAC': dict(type='TAC', method=dict(type='2C', embed_dim=8)),
}
GROUPS_OF_ONE = dict(group_size=1, channel_groups=1)  # a batch's would differ
OTHERS = ('BigGAN-deep', 'SAGAN', 'SNGAN', 'StyleGAN2')
CASES = [('BigGAN', loss) for loss in LOSSES] + [(name, 'D2DCE') for name in OTHERS]


def discriminator_gradients(
    name: str, loss: str, rank: int = 0, world: int = 1
) -> dict[str, torch.Tensor]:
    """Of two whole iterations whose images, z and labels are those of one process."""
    torch.manual_seed(0)
    alone = dict(type='StyleGAN2Discriminator', in_size=8, mbstd_cfg=GROUPS_OF_ONE)
    more = dict(discriminator=alone) if name == 'StyleGAN2' else {}
    model = built(name, loss=LOSSES[loss], **more)
    if world > 1:
        model = revert_sync_batchnorm(model)  # which do not work on a CPU
        MMSeparateDistributedDataParallel(model, device_ids=None)
    model.generator.eval()  # batch statistics would differ from those of one process
    random = torch.Generator().manual_seed(1)
    z = torch.randn(ROWS, model.noise_size, generator=random)
    label = torch.randint(0, CLASSES, (ROWS,), generator=random)
    own = slice(rank * ROWS // world, (rank + 1) * ROWS // world)
    model.noise_fn = lambda num_batches: z[own]
    model.label_fn = lambda num_batches: label[own]
    still, found = optimizers(model, lr=0.0, kind=Keeping), {}
    for iteration in range(2):  # the second would wait for what the first left unused
        model.discriminator.zero_grad()
        MessageHub.get_current_instance().update_info('iter', iteration)
        model.train_step(data(name, range(ROWS)[own]), still)
        found = gradients(model.discriminator)
    return found


def main() -> None:
    distributed.start_process_group('pytorch')
    rank, world = distributed.rank(), distributed.world_size()
    found = {case: discriminator_gradients(*case, rank, world) for case in CASES}
    torch.save(found, Path(sys.argv[1]) / f'{rank}.pt')


if __name__ == '__main__':
    main()
