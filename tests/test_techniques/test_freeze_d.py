import pytest
import torch
from tiny_gan import batch, biggan, changed, plain_gan, state
from torch import nn

from reacgan_plugin.backbones import (
    BigGANDeepDiscriminator,
    BigGANDiscriminator,
    ModuleDiscriminator,
    ProjectedDiscriminator,
    ResNetDiscriminator,
    StyleGAN2Discriminator,
    TimmDiscriminator,
)
from reacgan_plugin.conditioning import AC, D2DCELoss, Unconditional
from reacgan_plugin.gan.adversarial import Hinge
from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.gan.optimizers import GANOptimWrapperConstructor
from reacgan_plugin.layers import frozen
from reacgan_plugin.techniques import R1
from reacgan_plugin.techniques.freeze_d import FreezeD


class Generator(nn.Module):
    """As little as a model asks for."""

    z_dim = 4

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4))


def frozen_names(backbone, layers):
    """Names of the backbone's parameters that ask for no gradient in a model."""
    technique = FreezeD(layers=layers)
    model = ConditionalGAN(
        Generator(),
        backbone,
        Unconditional(),
        num_classes=3,
        adversarial_loss=Hinge(),
        techniques=[technique],
    )
    assert all(p.requires_grad for p in model.discriminator.head.parameters())
    return {n for n, p in backbone.named_parameters() if not p.requires_grad}


def under(backbone, *prefixes):
    """Names that start with one of the prefixes, each of which has some."""
    found = [{n for n in names(backbone) if n.startswith(p)} for p in prefixes]
    assert all(found)
    return set().union(*found)


def names(module):
    return [name for name, _ in module.named_parameters()]


class Network(nn.Module):
    """A network with a parameter and layers before the blocks, and one behind them."""

    out_channels = 4

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.stem = nn.Conv2d(3, 4, 3)
        self.act = nn.ReLU()
        self.blocks = nn.ModuleList(nn.Conv2d(4, 4, 1) for _ in range(3))
        self.end = nn.Conv2d(4, 4, 1)


class Chained(nn.Module):
    """Layers one after the other, by names of their own."""

    out_channels = 4

    def __init__(self):
        super().__init__()
        self.first = nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 4, 3))
        self.body = nn.Sequential(nn.ReLU(), nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3))
        self.last = nn.Linear(4, 4)


HERE = f'{__name__}:'


@pytest.mark.parametrize(
    'make, layers, prefixes',
    [
        (lambda: BigGANDiscriminator(base_channels=4), 1, ['blocks.0']),
        (lambda: BigGANDiscriminator(base_channels=4), 2, ['blocks.0', 'blocks.1']),
        (lambda: BigGANDiscriminator(base_channels=4), 5, ['blocks']),
        (lambda: ResNetDiscriminator(base_channels=4), 1, ['blocks.0']),
        (
            lambda: BigGANDeepDiscriminator(base_channels=4),
            2,
            ['input', 'blocks.0', 'blocks.1'],
        ),
        (
            lambda: StyleGAN2Discriminator(channel_base=64),
            2,
            ['stages.32', 'stages.16'],
        ),
        (
            lambda: StyleGAN2Discriminator(channel_base=64, architecture='skip'),
            4,
            ['stages', 'epilogue'],
        ),
        (
            lambda: TimmDiscriminator(name='test_resnet'),
            2,
            ['features.network.conv1.0', 'features.network.conv1.1'],
        ),
        (
            lambda: TimmDiscriminator(name='test_efficientnet'),
            1,
            [
                'features.network.conv_stem',
                'features.network.bn1',
                'features.network.blocks.0.0',
            ],
        ),
        (
            lambda: TimmDiscriminator(name='test_vit'),
            1,
            [
                'features.network.cls_token',
                'features.network.pos_embed',
                'features.network.patch_embed',
                'features.network.blocks.0.',
            ],
        ),
        (Network, 2, ['scale', 'stem', 'blocks.0', 'blocks.1']),
        (Chained, 1, ['first']),
        (Chained, 2, ['first', 'body.1']),
        (Chained, 4, ['first', 'body', 'last']),
        (
            lambda: ModuleDiscriminator(module=f'{HERE}Chained'),
            2,
            ['network.first', 'network.body.1'],
        ),
    ],
)
def test_the_first_blocks_and_what_stands_before_them_are_frozen(
    make, layers, prefixes
):
    backbone = make()
    assert frozen_names(backbone, layers) == under(backbone, *prefixes)


def test_a_layer_that_is_tapped_inside_a_network_counts_its_layers():
    backbone = ModuleDiscriminator(
        module=f'{HERE}Chained', layer='last', out_channels=4
    )
    fixed = {n for n in names(backbone) if '.last.' in n}  # as nobody reads it
    assert frozen_names(backbone, 1) - fixed == under(
        backbone, 'network.discriminator.first'
    )


def trained(model, size, **entry):
    """Weights of the discriminator that change in two steps of Adam."""
    adam = {'optimizer': dict(type='Adam', lr=0.01), **entry}
    config = dict(generator=adam, discriminator=adam)
    wrappers = GANOptimWrapperConstructor(config)(model)
    before = state(model.discriminator)
    for _ in range(2):
        model.train_step(batch(size=size), wrappers)
    moved = changed(before, model.discriminator)
    return {n for n in names(model.discriminator) if n in moved}


@pytest.mark.parametrize(
    'options',
    [
        dict(),
        dict(accumulation=2, accumulation_mode='exact'),
        dict(amp='bf16', d_updates=2),
    ],
)
def test_training_moves_the_other_weights_alone(options):
    model = biggan(
        D2DCELoss(embed_dim=4), techniques=[FreezeD(layers=3), R1()], **options
    )
    fixed = {f'backbone.blocks.{n}' for n in range(3)}
    everything = names(model.discriminator)
    expected = {n for n in everything if '.'.join(n.split('.')[:3]) not in fixed}
    assert len(expected) < len(everything)
    assert trained(model.train(), 32) == expected


def test_weight_decay_and_clipping_do_not_reach_what_is_frozen():
    model = plain_gan(AC(spectral_norm=False), techniques=[FreezeD(layers=1)])
    moved = trained(
        model.train(),
        8,
        clip_grad=dict(max_norm=1.0),
        optimizer=dict(type='AdamW', lr=0.01, weight_decay=0.5),
        paramwise_cfg=dict(norm_decay_mult=0.0),
    )
    assert not any(name.startswith('backbone') for name in moved)
    assert 'head.adversarial.weight' in moved


def test_a_context_that_freezes_all_of_it_gives_back_what_each_had():
    model = biggan(techniques=[FreezeD(layers=1)])
    before = [p.requires_grad for p in model.discriminator.parameters()]
    with frozen(model.discriminator):
        pass
    assert [p.requires_grad for p in model.discriminator.parameters()] == before
    assert set(before) == {True, False}


def test_the_state_dict_is_that_of_a_model_without_it():
    plain, model = biggan(), biggan(techniques=[FreezeD(layers=2)])
    model.load_state_dict(plain.state_dict())  # what load_from does
    assert state(plain).keys() == state(model).keys()


@pytest.mark.parametrize('layers', [0, 6, -1, 1.5, None])
def test_another_number_of_blocks_is_named_with_how_many_there_are(layers):
    message = f'FreezeD.layers={layers}; BigGANDiscriminator has 5 blocks.*1..5'
    with pytest.raises(ValueError, match=message):
        biggan(techniques=[FreezeD(layers=layers)])


@pytest.mark.parametrize(
    'make',
    [
        lambda: TimmDiscriminator(name='test_resnet', trained=False),
        lambda: ProjectedDiscriminator(
            weights=None, name='test_resnet', out_indices=(1, 2), channels=4
        ),
    ],
)
def test_a_backbone_whose_first_blocks_are_fixed_is_refused(make):
    with pytest.raises(ValueError, match='those of .*Discriminator are not trained'):
        frozen_names(make(), 3)
