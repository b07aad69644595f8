"""Models whose gradients on two processes are those of one."""

from __future__ import annotations

import torch
from tiny_gan import NETWORKS, batch, gradients, latents, optimizers, plain_gan

from reacgan_plugin.conditioning import AC, ADC, MH, SPD, TAC, D2DCELoss, Info
from reacgan_plugin.gan.adversarial import Relativistic
from reacgan_plugin.techniques import R1

ROWS = 8  # over all processes
D2DCE = dict(type='D2DCE', embed_dim=4)
CODES = dict(discrete=1, categories=2, continuous=1)
CASES = {
    'D2DCE with R1': lambda: plain_gan(
        D2DCELoss(embed_dim=4), techniques=[R1(weight=5.0)]
    ),
    'TAC around D2DCE': lambda: plain_gan(TAC(D2DCE)),
    'TAC as the reference has it': lambda: plain_gan(TAC(AC(), formula='studiogan')),
    'ADC around D2DCE with R1': lambda: plain_gan(ADC(D2DCE), techniques=[R1()]),
    'Info around SPD': lambda: plain_gan(Info(SPD(), **CODES)),
    'MH': lambda: plain_gan(MH()),
    'D2DCE in joint passes': lambda: plain_gan(
        D2DCELoss(embed_dim=4), discriminator_passes='joint'
    ),
    'D2DCE with R1, accumulated exactly': lambda: plain_gan(
        D2DCELoss(embed_dim=4),
        techniques=[R1(weight=5.0)],
        accumulation=2,
        accumulation_mode='exact',
    ),
    'relativistic AC with R1': lambda: plain_gan(
        AC(), adversarial_loss=Relativistic(), techniques=[R1()]
    ),
}


def updated(name: str, rank: int = 0, world_size: int = 1) -> dict[str, dict]:
    """Gradients of both networks after two updates each, by this rank's rows; the
    second update would wait for parameters that the first one left unused."""
    torch.manual_seed(0)
    model = CASES[name]()
    if world_size > 1:
        model.distribute()
    data, (z, fake_label) = batch(ROWS), latents(ROWS)
    if model.adversarial_loss.shares_labels:
        fake_label = data['label']
    own = slice(rank * ROWS // world_size, (rank + 1) * ROWS // world_size)
    image, label = data['image'][own], data['label'][own]
    z, fake_label = z[own], fake_label[own]
    still = optimizers(model, lr=0.0)
    for _ in range(2):
        model.update_discriminator(image, label, z, fake_label, still)
        of_discriminator = gradients(model.discriminator)
        model.update_generator(z, fake_label, still, image, label)
    found = gradients(model.generator), of_discriminator
    return dict(zip(NETWORKS, found, strict=True))
