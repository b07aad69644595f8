"""ReACGAN in a plain PyTorch loop: python plain_loop.py --steps 2000"""

import argparse

import torch
from networks import CLASSES, Discriminator, Generator, Z, digits, endless

from reacgan_plugin import Conditioned, D2DCELoss
from reacgan_plugin.functional import hinge_discriminator, hinge_generator
from reacgan_plugin.layers import frozen

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument('--steps', type=int, default=2000)
parser.add_argument('--batch', type=int, default=64)


def main(steps: int, batch: int) -> None:
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    loss = D2DCELoss(embed_dim=64, loss_weight=0.1)
    generator = Generator().to(device)
    # features are what the last convolution reads; its output stays the logit
    discriminator = Conditioned(Discriminator(), loss, CLASSES, layer='main.4')
    discriminator.to(device)
    g_optimizer = torch.optim.Adam(generator.parameters(), 5e-4, betas=(0.0, 0.999))
    d_optimizer = torch.optim.Adam(discriminator.parameters(), 5e-4, betas=(0.0, 0.999))
    loader = torch.utils.data.DataLoader(digits(), batch, shuffle=True, drop_last=True)

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

        with frozen(discriminator):
            fake_out = discriminator(fake, fake_label, fake=True)
        g_loss = hinge_generator(fake_out.logits)
        g_loss = g_loss + sum(loss.generator(fake_out).values())
        g_optimizer.zero_grad()
        g_loss.backward()
        g_optimizer.step()

        if step == 1 or step % 100 == 0 or step == steps:
            print(f'step {step}  D {d_loss.item():.3f}  G {g_loss.item():.3f}')


if __name__ == '__main__':
    main(**vars(parser.parse_args()))
