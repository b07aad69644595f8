import pytest
import torch
from torch import nn

from reacgan_plugin.backbones.biggan import BigGANDiscriminator
from reacgan_plugin.backbones.resnet import ResNetDiscriminator, ResNetGenerator
from reacgan_plugin.conditioning import PD
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.layers import SelfAttention, spectral_norm

LABEL = torch.tensor([0, 2])


def generator(**options):
    return ResNetGenerator(
        **{'base_channels': 4, 'z_dim': 6, 'num_classes': 3, **options}
    )


def test_parameters_are_as_many_as_in_the_published_networks(monkeypatch):
    monkeypatch.setattr(spectral_norm, 'WARM_UP', 0)  # no numbers, nothing to settle
    with torch.device('meta'):
        built, backbone = ResNetGenerator(), ResNetDiscriminator()
        head = PD().build_head(backbone.out_channels, 10)
    networks = built, Discriminator(backbone, head)
    counts = [sum(p.numel() for p in network.parameters()) for network in networks]
    assert counts == [4_304_387, 1_055_105]


def test_by_default_spectral_norm_is_the_discriminators_alone():
    def normalised(network):
        return any('parametrizations' in name for name in network.state_dict())

    assert not normalised(generator())
    assert normalised(generator(spectral_norm=True))
    assert normalised(ResNetDiscriminator(base_channels=4))


def test_by_default_there_is_no_attention():
    def attends(network):
        return any(isinstance(module, SelfAttention) for module in network.modules())

    for network in (ResNetGenerator, ResNetDiscriminator):
        options = dict(base_channels=8, spectral_norm=False)
        assert not attends(network(**options))
        assert attends(network(attention_at=(16,), **options))


def test_the_class_enters_every_norm_as_a_one_hot_vector_and_z_the_start_alone():
    built = generator().eval()
    seen = []
    built.input.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    for block in built.blocks:
        block.register_forward_pre_hook(lambda block, inputs: seen.append(inputs[1]))
    z = torch.randn(2, 6)
    built(z, LABEL)
    start, *conditions = seen
    assert torch.equal(start, z)
    assert len(conditions) == 3
    for condition in conditions:
        assert condition.tolist() == [[1, 0, 0], [0, 0, 1]]


def test_a_class_picks_its_own_columns_of_gain_and_bias():
    built = generator()
    norm = built.blocks[0].norm2
    x = torch.randn(2, norm.norm.num_features, 4, 4)
    one_hot = torch.eye(3)[LABEL]
    gain, bias = norm.gain.weight.T[LABEL], norm.bias.weight.T[LABEL]
    expected = norm.norm(x) * (1 + gain[:, :, None, None]) + bias[:, :, None, None]
    assert torch.allclose(norm(x, one_hot), expected, atol=1e-5)


def test_without_classes_the_norms_are_plain():
    built = generator(num_classes=None)
    for block in built.blocks:
        for norm in (block.norm1, block.norm2):
            assert type(norm) is nn.BatchNorm2d
            assert (norm.eps, norm.affine) == (1e-4, True)
    z = torch.randn(2, 6)
    built.eval()
    assert torch.equal(built(z), built(z, LABEL))


@pytest.mark.parametrize('dtype', [torch.float64, torch.bfloat16])
def test_the_one_hot_vector_has_the_precision_of_z(dtype):
    built = generator().to(dtype)
    assert built(torch.randn(2, 6, dtype=dtype), LABEL).dtype == dtype


def test_the_discriminator_is_the_one_that_biggan_took_over():
    ours, theirs = (
        ResNetDiscriminator(base_channels=4),
        BigGANDiscriminator(base_channels=4, attention_at=()),
    )
    theirs.load_state_dict(ours.state_dict(), strict=True)
    image = torch.randn(2, 3, 32, 32)
    assert torch.equal(ours.eval()(image), theirs.eval()(image))
