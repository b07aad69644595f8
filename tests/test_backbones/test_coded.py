import pytest
import torch
from tiny_gan import PlainGenerator
from torch import nn

from reacgan_plugin.backbones import BigGANGenerator, CodedGenerator
from reacgan_plugin.functional.codes import CodeSizes, codes_of

SIZES = dict(discrete=2, categories=3, continuous=1)  # seven entries of z
LABEL = torch.tensor([0, 2])


class Recorder(nn.Module):
    """A generator that hands back what it was given."""

    z_dim, size, num_classes = 4, 8, 3

    def forward(self, z, label=None, **options):
        return z, label, options


def coded(generator=None, **options):
    generator = generator or Recorder()
    return CodedGenerator(generator, spectral_norm=False, **{**SIZES, **options})


def test_noise_and_codes_are_mixed_into_the_generators_z():
    built = coded().double()
    built.mix.bias.data.normal_()
    z = torch.randn(2, built.z_dim).double()
    given, label, options = built(z, LABEL, noise='const')
    codes = codes_of(z, CodeSizes(**SIZES))
    for n in range(2):
        one_hot = [0.0] * 6
        for code, category in enumerate(codes.category[n].tolist()):
            one_hot[3 * code + category] = 1.0
        entries = [*z[n, :4].tolist(), *one_hot, codes.number[n].item()]
        entries = torch.tensor(entries).double()
        expected = built.mix.weight @ entries + built.mix.bias
        assert torch.allclose(given[n], expected)
    assert label is LABEL
    assert options == dict(noise='const')


class Styled(Recorder):
    """A generator with styles, such as StyleGAN2's."""

    def __init__(self):
        super().__init__()
        self.synthesis = nn.Identity()

    def styles(self, z, label=None, **options):
        return z, label, options


def test_styles_are_those_of_mixed_z_where_there_are_any():
    built = coded(Styled())
    z = torch.randn(2, built.z_dim)
    given, label, options = built.styles(z, LABEL, truncation=0.5)
    assert torch.equal(given, built.mixed(z))
    assert label is LABEL
    assert options == dict(truncation=0.5)
    assert built.synthesis is built.generator.synthesis
    assert not hasattr(coded(), 'styles')
    assert not hasattr(coded(), 'synthesis')


def test_only_the_place_of_the_largest_entry_of_a_category_matters():
    built = coded()
    z = torch.randn(2, built.z_dim)
    scaled = z.clone()
    scaled[:, 4:10] *= 2  # the largest entries stay where they were
    assert torch.equal(built(scaled, LABEL)[0], built(z, LABEL)[0])
    for changed in (0, 10):  # noise, the number
        other = z.clone()
        other[:, changed] += 1
        assert not torch.allclose(built(other, LABEL)[0], built(z, LABEL)[0])
    other = z.clone()
    other[:, 4:7] = -other[:, 4:7]
    assert not torch.allclose(built(other, LABEL)[0], built(z, LABEL)[0])


@pytest.mark.parametrize(
    'sizes, latent',
    [
        (dict(discrete=2, categories=5, continuous=0), 10),
        (dict(discrete=0, continuous=2), 2),
        (dict(discrete=1, categories=10, continuous=2), 12),
    ],
)
def test_z_has_the_generators_width_and_an_entry_for_each_code(sizes, latent):
    built = coded(**sizes)
    assert built.z_dim == Recorder.z_dim + latent
    assert built(torch.randn(2, built.z_dim))[0].shape == (2, Recorder.z_dim)


def test_the_size_and_the_classes_are_those_of_the_generator():
    built = coded()
    assert built.size == 8
    assert built.num_classes == 3
    assert not hasattr(coded(PlainGenerator()), 'size')


def test_a_generator_of_a_family_makes_images_and_gradients_reach_the_mixing():
    inner = BigGANGenerator(num_classes=3, base_channels=4, z_dim=8, shared_dim=2)
    built = CodedGenerator(inner, **SIZES)
    image = built(torch.randn(2, built.z_dim), LABEL)
    assert image.shape == (2, 3, 32, 32)
    image.square().sum().backward()
    for parameter in built.mix.parameters():
        assert torch.count_nonzero(parameter.grad)
    with pytest.raises(ValueError, match='conditional and needs labels'):
        built(torch.randn(2, built.z_dim))


@pytest.mark.parametrize('spectral_norm', [True, False])
def test_spectral_norm_of_the_mixing_is_an_option(spectral_norm):
    built = CodedGenerator(Recorder(), spectral_norm=spectral_norm)
    assert hasattr(built.mix, 'parametrizations') is spectral_norm


def test_no_codes_at_all_raise():
    with pytest.raises(ValueError, match='allowed: at least one code, of two or more'):
        CodedGenerator(Recorder(), discrete=0, continuous=0)


@pytest.mark.parametrize('excess', [-1, 1])
def test_a_z_of_another_width_raises(excess):
    built = coded()
    message = rf'z has shape \(2, {11 + excess}\); allowed: \(N, 11\)'
    with pytest.raises(ValueError, match=message):
        built(torch.randn(2, built.z_dim + excess), LABEL)


def test_the_state_dict_keeps_the_generators_names_under_a_prefix():
    names = set(coded(PlainGenerator()).state_dict())
    inner = {f'generator.{name}' for name in PlainGenerator().state_dict()}
    assert names == {*inner, 'mix.weight', 'mix.bias'}
