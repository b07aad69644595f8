"""On a GPU the host must run ahead: nothing in a step may ask the device for a value.

The models here are on the meta device, whose tensors have shapes and no values: whoever
asks for one, or makes a shape depend on one, gets an error.
"""

from contextlib import nullcontext

import pytest
import torch
from tiny_gan import batch, biggan, optimizers, plain_gan

from reacgan_plugin.backbones import StyleGAN2Discriminator, StyleGAN2Generator
from reacgan_plugin.conditioning import (
    AC,
    ADC,
    MH,
    PD,
    TAC,
    ConditionalContrastiveLoss,
    D2DCELoss,
)
from reacgan_plugin.gan.adversarial import Hinge
from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.techniques import R1, PathLength


def stylegan2():
    sizes = dict(size=8, channel_base=64)
    return ConditionalGAN(
        StyleGAN2Generator(num_classes=3, z_dim=4, w_dim=8, style_mixing=0.9, **sizes),
        StyleGAN2Discriminator(stddev_group=2, **sizes),
        AC(),
        num_classes=3,
        adversarial_loss=Hinge(),
        techniques=[R1(), PathLength(interval=1)],
        ema=dict(half_life=1.0, ramp_up=0.05),
    )


MODELS = {
    'BigGAN with D2DCE': lambda: biggan(D2DCELoss(), ema=dict(decay=0.9)),
    'StyleGAN2 with its penalties': stylegan2,
    '2C': lambda: plain_gan(ConditionalContrastiveLoss(embed_dim=4)),
    'TAC': lambda: plain_gan(TAC(AC())),
    'ADC': lambda: plain_gan(ADC(AC())),
    'MH': lambda: plain_gan(MH()),
    'exact, joint': lambda: plain_gan(
        PD(),
        discriminator_passes='joint',
        accumulation=2,
        accumulation_mode='exact',
    ),
    'PD, two updates of two micro-batches': lambda: plain_gan(
        PD(), d_updates=2, accumulation=2
    ),
}


@pytest.fixture(autouse=True)
def no_autocast(monkeypatch):
    """The meta device has none, not even to be switched off."""
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: nullcontext())


def step_without_values(model):
    size = getattr(model.generator, 'size', 8)
    model = model.train().to('meta')
    model.data_preprocessor.to('meta')
    return model.train_step(batch(size=size), optimizers(model))


@pytest.mark.parametrize('name', MODELS)
def test_a_step_asks_the_device_for_no_value(name):
    outputs = step_without_values(MODELS[name]())
    assert {value.device.type for value in outputs.values()} == {'meta'}


class Curious(R1):
    """Reads, in one way or another, what is on the device."""

    def __init__(self, read):
        super().__init__()
        self.read = read

    def discriminator_terms(self, judged, gan):
        self.read(judged.real.logits)
        return {}


@pytest.mark.parametrize(
    'read',
    [
        lambda logits: logits.mean().item(),
        lambda logits: float(logits.detach().mean()),
        lambda logits: bool((logits > 0).all()),
        lambda logits: logits.cpu(),
        lambda logits: logits[logits > 0],
        lambda logits: torch.nonzero(logits),
    ],
)
def test_whoever_asks_is_found_out(read):
    with pytest.raises((RuntimeError, NotImplementedError)):
        step_without_values(plain_gan(techniques=[Curious(read)]))
