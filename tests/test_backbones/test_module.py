import sys

import pytest
import torch
from tiny_gan import PlainBackbone
from torch import nn
from torch.nn.utils import parametrize

from reacgan_plugin.backbones import ModuleDiscriminator
from reacgan_plugin.config import checkpoint_config, config_json, load_config
from reacgan_plugin.registry import BACKBONES, build

HERE = __name__
IMAGE = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1


class Scores(nn.Module):
    """A discriminator as people have it: images to one number each."""

    def __init__(self, *, width=6):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU())
        self.score = nn.Linear(width, 1)

    def forward(self, image):
        return self.score(self.body(image).sum((2, 3)))


class Tokens(nn.Module):
    """Features of a rank that has no meaning here."""

    out_channels = 3

    def forward(self, image):
        return image.flatten(2)


class Named(Tokens):
    """Returns a dict of features."""

    def forward(self, image):
        return {'features': image}


def maps(width):
    """A function that makes a network will do as well as a class."""
    return nn.Conv2d(3, width, 3)


def no_network():
    return 'no network'


def passes_on(**options):
    """Takes all and leaves it to another constructor to refuse some."""
    return Scores(**options)


def built(name='Scores', **settings):
    return ModuleDiscriminator(module=f'{HERE}:{name}', **settings)


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """pytest imports this file under a name of its own making."""
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])


def test_without_a_layer_the_features_are_the_networks_output():
    backbone = ModuleDiscriminator(module='tiny_gan:PlainBackbone')
    assert isinstance(backbone.network, PlainBackbone)
    assert backbone.out_channels == 6
    assert torch.equal(backbone(IMAGE), backbone.network(IMAGE))


def test_the_input_of_a_layer_is_tapped():
    backbone = built(layer='score')
    inner = backbone.network.discriminator
    assert torch.equal(backbone(IMAGE), inner.body(IMAGE).sum((2, 3)))
    assert backbone.out_channels == 6


def test_a_layer_whose_output_nobody_reads_is_not_trained():
    backbone = built(layer='score')
    backbone(IMAGE).sum().backward()
    for name, parameter in backbone.named_parameters():
        read = 'score' not in name
        assert parameter.requires_grad == read == (parameter.grad is not None)
    backbone = built(layer='body.0', at='output')
    assert all(p.requires_grad for p in backbone.parameters())


@pytest.mark.parametrize('pool', ['sum', 'mean'])
def test_maps_of_a_layer_or_network_are_pooled(pool):
    backbone = built(layer='body.0', at='output', pool=pool)
    expected = backbone.network.discriminator.body[0](IMAGE)
    expected = getattr(expected, pool)((2, 3))
    assert torch.allclose(backbone(IMAGE), expected, atol=1e-5)
    backbone = built('maps', options=dict(width=5), pool=pool)
    expected = getattr(backbone.network(IMAGE), pool)((2, 3))
    assert torch.allclose(backbone(IMAGE), expected, atol=1e-5)
    assert backbone.out_channels == 5


def test_options_reach_the_class():
    assert built(layer='score', options=dict(width=9)).out_channels == 9


def test_the_width_may_be_told_where_a_layer_does_not_say_it():
    backbone = built(layer='body.1', at='output', out_channels=6)
    assert backbone(IMAGE).shape == (2, 6)
    with pytest.raises(ValueError, match=r'model.discriminator.out_channels is needed'):
        built(layer='body.1', at='output')


def test_spectral_norm_leaves_out_what_is_not_trained():
    backbone = built(layer='score', spectral_norm=True)
    inner = backbone.network.discriminator
    assert parametrize.is_parametrized(inner.body[0])
    assert not parametrize.is_parametrized(inner.score)
    assert backbone(IMAGE).shape == (2, 6)


def test_a_config_names_a_class_alone():
    cfg = dict(type='ModuleDiscriminator', module=f'{HERE}:Scores', layer='score')
    assert build(BACKBONES, {**cfg, 'size': 8}).size == 8


@pytest.mark.parametrize(
    'settings, message',
    [
        (dict(module='tiny_gan'), r"module='tiny_gan'; allowed: 'package.file:Name'"),
        (dict(module=':Name'), r"allowed: 'package.file:Name'"),
        (dict(module='tiny_gan:'), r"allowed: 'package.file:Name'"),
        (dict(module='.tiny_gan:Net'), r"allowed: 'package.file:Name'"),
        (dict(module='tiny_gun:Net'), "there is no module 'tiny_gun'; .*PYTHONPATH"),
        (dict(module='tiny_gan.x:Net'), "there is no module 'tiny_gan.x'"),
        (dict(module='tiny_gan:PlainBackbon'), "did you mean 'PlainBackbone'"),
        (dict(module='tiny_gan:CLASSES'), "no class or function 'CLASSES'"),
        (dict(module=f'{HERE}:no_network'), 'makes a str; allowed: a torch.nn.Module'),
        (dict(options=dict(widht=3)), "options do not fit .*: .*unexpected .* 'widht'"),
        (dict(options=[3, 4]), r'options=\[3, 4\]; allowed: a dict'),
        (dict(options={3: 4}), 'options do not fit .*keywords must be strings'),
        (
            dict(module=f'{HERE}:passes_on', options=dict(widht=3)),
            "options do not fit .*:passes_on, which raised: .*'widht'",
        ),
        (dict(module='builtins:dict'), 'makes a dict; allowed: a torch.nn.Module'),
        (dict(module=None), "module=None; allowed: 'package.file:Name'"),
        (dict(layer='scores'), "layer='scores' is not in Scores; .*mean 'score'"),
        (dict(layer='score', at='inside'), "at='inside' is not known"),
        (dict(layer='score', pool='max'), "pool='max' is not known"),
        (dict(), 'out_channels is needed'),
    ],
)
def test_what_leads_to_no_features_raises_and_names_the_key(settings, message):
    with pytest.raises(ValueError, match=f'^model.discriminator.*{message}'):
        ModuleDiscriminator(**{'module': f'{HERE}:Scores', **settings})


@pytest.mark.parametrize(
    'settings, message',
    [
        (dict(name='Tokens'), r'module gives shape \(2, 3, 64\); allowed: \(N, 3\)'),
        (dict(name='Named', out_channels=3), 'module gives dict; allowed'),
        (dict(out_channels=2), r'module gives shape \(2, 1\); allowed: \(N, 2\)'),
        (
            dict(layer='body.0', at='output', out_channels=4),
            r"layer='body.0' gives shape \(2, 6, 6, 6\); allowed.*\(N, 4, H, W\)",
        ),
    ],
)
def test_features_of_another_shape_raise(settings, message):
    backbone = built(**settings)
    with pytest.raises(ValueError, match=f'model.discriminator.{message}'):
        backbone(IMAGE)


def test_a_type_error_inside_a_constructor_stays_the_cause():
    with pytest.raises(ValueError, match='options do not fit') as error:
        built('passes_on', options=dict(widht=3))
    assert isinstance(error.value.__cause__, TypeError)


def test_a_module_that_lacks_something_itself_says_so(tmp_path, monkeypatch):
    (tmp_path / 'needy.py').write_text('import not_installed_anywhere\n')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match='not_installed_anywhere'):
        ModuleDiscriminator(module='needy:Net')


@pytest.mark.parametrize('scope', ['', 'reacgan_plugin.'])
@pytest.mark.parametrize('place', ['model.discriminator', 'custom_hooks.0'])
def test_a_checkpoint_that_would_import_a_module_must_be_trusted(
    tmp_path, place, scope
):
    kind = f'{scope}ModuleDiscriminator'
    overrides = {f'{place}.type': kind, f'{place}.module': 'os:system'}
    config, _ = load_config('biggan_reacgan_digits.py', overrides)
    path = tmp_path / 'checkpoint.pth'
    torch.save({'meta': {'config': config_json(config)}}, path)
    with pytest.raises(ValueError, match=f"type='{kind}', which .* imports what it is"):
        checkpoint_config(path)
    checkpoint_config(path, trust_imports=True)
