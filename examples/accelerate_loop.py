"""ReACGAN with Hugging Face accelerate: accelerate launch accelerate_loop.py

``python accelerate_loop.py`` does for one process. Mixed precision is accelerate's
(``--mixed_precision bf16``); heads and class losses stay in float32.
"""

import argparse

import torch
from accelerate import Accelerator
from networks import CLASSES, Discriminator, Generator, Z, digits, endless

from reacgan_plugin import Conditioned, D2DCELoss
from reacgan_plugin.functional import hinge_discriminator, hinge_generator
from reacgan_plugin.layers import frozen

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument('--steps', type=int, default=2000)
parser.add_argument('--batch', type=int, default=64, help='of each process')


def main(steps: int, batch: int) -> None:
    accelerator = Accelerator()
    device = accelerator.device
    # gather=True is the default: negatives come from every process
    loss = D2DCELoss(embed_dim=64, loss_weight=0.1)
    generator = Generator()
    discriminator = Conditioned(Discriminator(), loss, CLASSES, layer='main.4')
    g_optimizer = torch.optim.Adam(generator.parameters(), 5e-4, betas=(0.0, 0.999))
    d_optimizer = torch.optim.Adam(discriminator.parameters(), 5e-4, betas=(0.0, 0.999))
    loader = torch.utils.data.DataLoader(digits(), batch, shuffle=True, drop_last=True)
    generator, discriminator, g_optimizer, d_optimizer, loader = accelerator.prepare(
        generator, discriminator, g_optimizer, d_optimizer, loader
    )
    torch.manual_seed(accelerator.process_index)  # other z and labels on each process

    for step, (image, label) in zip(range(1, steps + 1), endless(loader), strict=False):
        fake_label = torch.randint(CLASSES, (batch,), device=device)
        fake = generator(torch.randn(batch, Z, device=device), fake_label)

        real_out = discriminator(image, label)
        fake_out = discriminator(fake.detach(), fake_label, fake=True)
        d_loss = hinge_discriminator(real_out.logits, fake_out.logits)
        d_loss = d_loss + sum(loss.discriminator(real_out, fake_out).values())
        d_optimizer.zero_grad()
        accelerator.backward(d_loss)
        d_optimizer.step()

        # the module inside, frozen: DDP would wait for gradients that never come
        with frozen(discriminator):
            judge = accelerator.unwrap_model(discriminator)
            fake_out = judge(fake, fake_label, fake=True)
        g_loss = hinge_generator(fake_out.logits)
        g_loss = g_loss + sum(loss.generator(fake_out).values())
        g_optimizer.zero_grad()
        accelerator.backward(g_loss)
        g_optimizer.step()

        if step == 1 or step % 100 == 0 or step == steps:
            accelerator.print(f'step {step}  D {d_loss:.3f}  G {g_loss:.3f}')
    accelerator.end_training()


if __name__ == '__main__':
    main(**vars(parser.parse_args()))
