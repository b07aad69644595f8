"""ReACGAN on several processes: torchrun --nproc_per_node 2 ddp_loop.py --steps 2000

One GPU a process, or CPUs. D2D-CE contrasts with the samples of all processes.
"""

import argparse
import os
import sys

import torch
from networks import CLASSES, Discriminator, Generator, Z, digits, endless
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler

from reacgan_plugin import Conditioned, D2DCELoss
from reacgan_plugin.distributed import end_process_group, rank, start_process_group
from reacgan_plugin.functional import hinge_discriminator, hinge_generator
from reacgan_plugin.layers import frozen

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument('--steps', type=int, default=2000)
parser.add_argument('--batch', type=int, default=32, help='of each process')


def main(steps: int, batch: int) -> None:
    start_process_group('pytorch')  # nccl and this process's GPU, or gloo
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    # gather=True is the default: negatives come from every process
    loss = D2DCELoss(embed_dim=64, loss_weight=0.1)
    discriminator = Conditioned(Discriminator(), loss, CLASSES, layer='main.4')
    discriminator = DistributedDataParallel(discriminator.to(device))
    generator = DistributedDataParallel(Generator().to(device))
    g_optimizer = torch.optim.Adam(generator.parameters(), 5e-4, betas=(0.0, 0.999))
    d_optimizer = torch.optim.Adam(discriminator.parameters(), 5e-4, betas=(0.0, 0.999))
    data = digits()
    # equally many samples on each process, in every step
    loader = DataLoader(data, batch, sampler=DistributedSampler(data), drop_last=True)
    torch.manual_seed(rank())  # other z and labels on each process

    for step, (image, label) in zip(range(1, steps + 1), endless(loader), strict=False):
        image, label = image.to(device), label.to(device)
        fake_label = torch.randint(CLASSES, (batch,), device=device)
        fake = generator(torch.randn(batch, Z, device=device), fake_label)

        real_out = discriminator(image, label)
        fake_out = discriminator(fake.detach(), fake_label, fake=True)
        d_loss = hinge_discriminator(real_out.logits, fake_out.logits)
        d_loss = d_loss + sum(loss.discriminator(real_out, fake_out).values())
        d_optimizer.zero_grad()
        d_loss.backward()
        d_optimizer.step()

        # the module inside, frozen: DDP would wait for gradients that never come
        with frozen(discriminator):
            fake_out = discriminator.module(fake, fake_label, fake=True)
        g_loss = hinge_generator(fake_out.logits)
        g_loss = g_loss + sum(loss.generator(fake_out).values())
        g_optimizer.zero_grad()
        g_loss.backward()
        g_optimizer.step()

        if rank() == 0 and (step == 1 or step % 100 == 0 or step == steps):
            print(f'step {step}  D {d_loss.item():.3f}  G {g_loss.item():.3f}')
    end_process_group()


if __name__ == '__main__':
    main(**vars(parser.parse_args()))
    sys.stdout.flush()
    os._exit(0)  # gloo's threads may abort an ordinary exit after all work is done
