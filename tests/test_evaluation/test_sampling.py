import pytest
import torch
from scipy import stats
from torch import nn

from reacgan_plugin.backbones import CodedGenerator, StyleGAN2Generator
from reacgan_plugin.evaluation.quantise import to_uint8
from reacgan_plugin.evaluation.sampling import draw_images, draw_z, generate
from reacgan_plugin.layers import evaluating


class Echo(nn.Module):
    """A model whose images show z, and which keeps what it was called with."""

    z_dim = 12

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.calls = []

    @property
    def generator(self):
        return self

    def forward(self, z, label, **options):
        self.calls.append(options)
        return (z / 4).unflatten(1, (3, 2, 2))


def test_without_truncation_z_is_what_it_always_was():
    random = torch.Generator().manual_seed(5)
    assert torch.equal(draw_z(3, 4, 5), torch.randn(3, 4, generator=random))


@pytest.mark.parametrize('limit', [0.02, 0.5, 2.0, 40.0])
def test_truncated_z_is_of_the_normal_between_the_limits(limit):
    z = draw_z(200, 100, seed=1, truncation=limit)
    assert z.abs().max() <= limit
    expected = stats.truncnorm(-limit, limit)
    assert stats.kstest(z.flatten().numpy(), expected.cdf).pvalue > 0.01


def test_truncated_z_depends_on_the_seed_alone():
    first = draw_z(3, 4, seed=1, truncation=1.0)
    state = torch.get_rng_state()
    assert torch.equal(draw_z(3, 4, seed=1, truncation=1.0), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(draw_z(3, 4, seed=2, truncation=1.0), first)


@pytest.mark.parametrize('limit', [None, 0.3])
def test_a_generator_without_styles_gets_truncated_z(limit):
    model, label = Echo(), torch.arange(5)
    images = draw_images(model, label, seed=3, truncation=limit)
    z = draw_z(5, 12, 3, truncation=limit)
    assert torch.equal(images, to_uint8((z / 4).unflatten(1, (3, 2, 2))))
    assert model.calls == [{}]


class Model(nn.Module):
    """As much of a model as images are drawn from."""

    def __init__(self, generator):
        super().__init__()
        self.generator = generator

    @torch.no_grad()
    def forward(self, z, label, **options):
        with evaluating(self.generator):
            return self.generator(z, label, **options)


def styled():
    torch.manual_seed(0)
    generator = StyleGAN2Generator(
        size=8, num_classes=3, z_dim=4, w_dim=6, channel_base=64, mapping_layers=2
    )
    generator.mapping.w_avg.normal_()
    return generator


def coded():
    return CodedGenerator(styled(), categories=2, continuous=1)


@pytest.mark.parametrize('make', [styled, coded])
def test_a_generator_with_styles_gets_psi_and_whole_z(make):
    model, label = Model(make()), torch.arange(6) % 3
    z = draw_z(6, model.generator.z_dim, seed=2)
    found = draw_images(model, label, seed=2, truncation=0.4)
    assert torch.equal(found, generate(model, label, z=z, truncation=0.4))
    plain = draw_images(model, label, seed=2)
    assert torch.equal(plain, generate(model, label, z=z))
    assert not torch.equal(found, plain)


def test_less_of_psi_leaves_less_variety():
    model, label = Model(styled()), torch.zeros(20, dtype=torch.int64)
    spreads = [
        draw_images(model, label, seed=0, truncation=psi).float().std(0).mean()
        for psi in (1.0, 0.5, 0.01)
    ]
    assert spreads[0] > spreads[1] > spreads[2]


@pytest.mark.parametrize('truncation', [0, -0.5])
def test_a_truncation_that_is_not_above_zero_raises(truncation):
    with pytest.raises(ValueError, match='truncation=.* out of range'):
        draw_images(Echo(), torch.arange(2), seed=0, truncation=truncation)
