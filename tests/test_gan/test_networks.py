import pytest
import torch
from tiny_gan import CLASSES, PlainBackbone, PlainGenerator, batch, optimizers

from reacgan_plugin.backbones.biggan import BigGANDiscriminator, BigGANGenerator
from reacgan_plugin.backbones.biggan_deep import (
    BigGANDeepDiscriminator,
    BigGANDeepGenerator,
)
from reacgan_plugin.backbones.resnet import ResNetDiscriminator, ResNetGenerator
from reacgan_plugin.conditioning import AC, D2DCELoss
from reacgan_plugin.data.preprocess import ImagePreprocessor
from reacgan_plugin.gan.adversarial import Hinge
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.gan.networks import check_sizes

Z_DIM = 6  # BigGAN's has two numbers for the start and each of two blocks
FAMILIES = [
    (BigGANGenerator, BigGANDiscriminator),
    (BigGANDeepGenerator, BigGANDeepDiscriminator),
    (ResNetGenerator, ResNetDiscriminator),
]


def said_to_be(ours, theirs):
    """Two networks with these sizes; None leaves a network without one."""
    generator, backbone = PlainGenerator(), PlainBackbone()
    if ours is not None:
        generator.size = ours
    if theirs is not None:
        backbone.size = theirs
    head = AC().build_head(backbone.out_channels, CLASSES)
    return generator, Discriminator(backbone, head)


@pytest.mark.parametrize(
    'ours, theirs',
    [(32, 32), (32, (32, 32)), ([32, 48], (32, 48)), (None, 32), ((8, 12), None)],
)
def test_networks_of_the_same_size_pass(ours, theirs):
    assert check_sizes(*said_to_be(ours, theirs)) is None


@pytest.mark.parametrize(
    'ours, theirs', [(32, 64), ((32, 48), (48, 32)), (32, (32, 48))]
)
def test_networks_of_two_sizes_raise_and_both_are_named(ours, theirs):
    with pytest.raises(ValueError) as error:
        check_sizes(*said_to_be(ours, theirs))
    assert f'model.generator.size={ours} ' in str(error.value)
    assert f'model.discriminator.size={theirs} ' in str(error.value)


def oblong_gan(generator, backbone, size):
    widths = dict(size=size, base_channels=8, attention_at=(8,))
    return ConditionalGAN(
        generator(num_classes=CLASSES, z_dim=Z_DIM, **widths),
        backbone(**widths),
        D2DCELoss(embed_dim=8),
        num_classes=CLASSES,
        adversarial_loss=Hinge(),
        data_preprocessor=ImagePreprocessor(),
    )


@pytest.mark.parametrize('generator, backbone', FAMILIES)
def test_networks_of_oblong_images_train(generator, backbone):
    model = oblong_gan(generator, backbone, (16, 24))
    data = batch(size=24)
    data['image'] = data['image'][:, :, :16]
    before = [p.clone() for p in model.parameters()]
    terms = model.train_step(data, optimizers(model))
    assert all(torch.as_tensor(term).isfinite() for term in terms.values())
    changed = [
        not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)
    ]
    assert sum(changed) > len(changed) / 2
    image = model(torch.randn(2, Z_DIM), torch.tensor([0, 1]))
    assert image.shape == (2, 3, 16, 24)
