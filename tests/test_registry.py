import warnings

import pytest
import torch
from mmengine import registry as root
from mmengine.optim import OptimWrapperDict, build_optim_wrapper
from mmengine.registry import DefaultScope, Registry
from tiny_gan import batch, optimizers
from torch import nn

from reacgan_plugin import backbones, components, conditioning
from reacgan_plugin.conditioning.wrapper import Wrapper
from reacgan_plugin.gan.adversarial import Wasserstein
from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.gan.technique import Technique
from reacgan_plugin.integrations import openmmlab
from reacgan_plugin.layers.kits import OrthogonalLayers
from reacgan_plugin.registry import (
    BACKBONES,
    MODELS,
    SCOPE,
    build,
    build_conditioning,
    check_type,
)


@pytest.fixture
def other_lab():
    """A registry of models as other OpenMMLab packages have one, in its scope."""
    child = Registry('model', parent=root.MODELS, scope='other_lab')
    with DefaultScope.overwrite_default_scope('other_lab'):
        yield child
    del root.MODELS.children['other_lab']


@pytest.fixture
def clean_root():
    """mmengine's root, without what a test adds to it."""
    before = dict(root.MODELS.module_dict)
    yield root.MODELS
    for name in root.MODELS.module_dict.keys() - before.keys():
        del root.MODELS.module_dict[name]


IN_ROOT = {**components.CONDITIONINGS, **components.HEADS}


@pytest.mark.parametrize('name', IN_ROOT)
def test_conditionings_and_heads_are_found_from_any_scope(name, other_lab):
    assert root.MODELS.get(name) is IN_ROOT[name]
    assert other_lab.get(name) is IN_ROOT[name]


def test_a_conditioning_builds_from_the_root():
    loss = root.MODELS.build(dict(type='D2DCE', margin=0.9))
    assert type(loss) is conditioning.D2DCELoss
    assert loss.margin == 0.9


def test_a_conditioning_builds_in_the_scope_of_another_package(other_lab):
    loss = other_lab.build(dict(type='D2DCE', embed_dim=5))
    assert type(loss) is conditioning.D2DCELoss
    assert type(loss.build_head(6, 3)) is conditioning.HypersphereHead
    head = dict(type='HypersphereHead', in_channels=6, num_classes=3, embed_dim=5)
    assert type(other_lab.build(head)) is conditioning.HypersphereHead


NAMES = [*components.ADVERSARIAL_LOSSES, *components.OWN_MODELS]


@pytest.mark.parametrize('name', NAMES)
def test_names_that_others_have_too_stay_out_of_the_root(name):
    assert name not in root.MODELS.module_dict
    assert name in MODELS.module_dict


def test_a_name_of_ours_is_found_from_other_scopes_by_its_prefix(other_lab):
    config = dict(type='reacgan_plugin.BigGANGenerator', base_channels=4, z_dim=4)
    assert type(other_lab.build(config)) is backbones.BigGANGenerator


def test_a_name_taken_in_the_root_stays_with_a_warning(clean_root):
    class Theirs:
        pass

    class Ours:
        pass

    clean_root.register_module(name='TakenName', module=Theirs)
    with pytest.warns(UserWarning, match=r"'TakenName' is registered .*Theirs"):
        openmmlab.register_in_root({'TakenName': Ours, 'FreeName': Ours})
    assert clean_root.get('TakenName') is Theirs
    assert clean_root.get('FreeName') is Ours


def test_registering_the_same_class_twice_is_silent(clean_root):
    class Ours:
        pass

    with warnings.catch_warnings():
        warnings.simplefilter('error')
        openmmlab.register_in_root({'FreeName': Ours})
        openmmlab.register_in_root({'FreeName': Ours})
    assert clean_root.get('FreeName') is Ours


@pytest.fixture
def users_backbone():
    @BACKBONES.register_module()
    class UsersBackbone(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.out_channels = width
            self.conv = nn.Conv2d(3, width, 3)

        def forward(self, image):
            return self.conv(image).mean((2, 3))

    yield UsersBackbone
    del BACKBONES.module_dict['UsersBackbone']


GENERATOR = dict(type='BigGANGenerator', base_channels=4, z_dim=4, num_classes=3)


def test_a_users_backbone_builds_and_trains_in_a_config(users_backbone):
    config = dict(
        type='ConditionalGAN',
        generator=GENERATOR,
        discriminator=dict(type='UsersBackbone', width=5),
        loss=dict(type='D2DCE', embed_dim=4),
        num_classes=3,
        adversarial_loss=dict(type='Wasserstein'),
        techniques=[dict(type='Technique')],
    )
    model = build(MODELS, config)
    assert type(model) is ConditionalGAN
    assert type(model.discriminator.backbone) is users_backbone
    assert type(model.loss) is conditioning.D2DCELoss
    assert type(model.adversarial_loss) is Wasserstein
    assert [type(t) for t in model.techniques] == [Technique]
    assert model.discriminator.head.projection.linear.in_features == 5
    terms = model.train_step(batch(size=32), optimizers(model))
    assert terms['d/loss'].isfinite()


def test_the_optimizers_are_built_through_mmengine(users_backbone):
    model = build(
        MODELS,
        dict(
            type='ConditionalGAN',
            generator=GENERATOR,
            discriminator=dict(type='UsersBackbone', width=5),
            loss=dict(type='AC'),
            num_classes=3,
        ),
    )
    config = dict(
        constructor='GANOptimWrapperConstructor',
        generator=dict(optimizer=dict(type='Adam', lr=1e-4)),
        discriminator=dict(optimizer=dict(type='Adam', lr=4e-4)),
    )
    with DefaultScope.overwrite_default_scope(SCOPE):
        wrappers = build_optim_wrapper(model, config)
    assert type(wrappers) is OptimWrapperDict
    rates = {name: rate for name, (rate,) in wrappers.get_lr().items()}
    assert rates == {'generator.lr': 1e-4, 'discriminator.lr': 4e-4}


@pytest.mark.parametrize(
    'name, nearest',
    [
        ('D2DEC', 'D2DCE'),
        ('d2dce', 'D2DCE'),
        ('BigGANGenrator', 'BigGANGenerator'),
        ('BaseDataPreprocesor', 'BaseDataPreprocessor'),  # mmengine's
    ],
)
def test_a_misspelt_type_raises_with_the_nearest_name_and_ours(name, nearest):
    with pytest.raises(ValueError) as caught:
        build(MODELS, dict(type=name))
    message = str(caught.value)
    assert f'type={name!r} is not registered' in message
    assert f'(did you mean {nearest!r}?)' in message
    for known in ('2C', 'AC', 'D2DCE', 'PD', 'Unconditional'):
        assert known in message.split('known: ')[1].split(', ')


def test_a_misspelt_type_is_named_by_the_key_it_stood_under():
    with pytest.raises(ValueError, match=r"^model\.loss: type='ACC' is not"):
        check_type(MODELS, dict(type='ACC'), 'model.loss')


def test_a_config_without_a_type_raises():
    with pytest.raises(ValueError, match='the key type is missing in.*margin'):
        build(MODELS, dict(margin=0.98))


def test_a_class_may_stand_in_place_of_its_name():
    built = build(MODELS, dict(type=nn.Linear, in_features=2, out_features=3))
    assert built.weight.shape == (3, 2)


def test_what_is_built_already_passes():
    module = nn.Linear(2, 3)
    assert build(MODELS, module) is module
    assert build(MODELS, None) is None


def test_defaults_give_way_to_the_config():
    built = build(MODELS, dict(type='AC', loss_weight=2.0), loss_weight=1.0)
    assert built.loss_weight == 2.0
    assert build(MODELS, dict(type='AC'), loss_weight=3.0).loss_weight == 3.0


def test_building_leaves_the_config_and_the_scope_as_they_were():
    config = dict(type='AC', loss_weight=2.0)
    with DefaultScope.overwrite_default_scope('mmengine'):
        build(MODELS, config)
        assert DefaultScope.get_current_instance().scope_name == 'mmengine'
    assert config == dict(type='AC', loss_weight=2.0)


def test_mmengines_own_names_are_found_from_ours():
    assert build(MODELS, dict(type='BaseDataPreprocessor')).device.type == 'cpu'


PLAIN = [
    name
    for name, kind in components.CONDITIONINGS.items()
    if not issubclass(kind, Wrapper)
]


@pytest.mark.parametrize('name', PLAIN)
def test_a_conditioning_is_built_with_its_head(name):
    loss, head = build_conditioning(dict(type=name, spectral_norm=False), 6, 3)
    assert type(loss) is components.CONDITIONINGS[name]
    assert type(head) is loss.head_class
    logits = head(torch.randn(2, 6), torch.tensor([0, 2])).logits
    assert logits.shape == ((2, 4) if name == 'MH' else (2,))
    assert head.num_classes == 3
    assert not hasattr(head.adversarial, 'parametrizations')


@pytest.mark.parametrize('name', ['TAC', 'ADC', 'Info'])
def test_a_wrapper_is_built_with_the_head_of_its_method(name):
    method = dict(type='AC', spectral_norm=False)
    loss, head = build_conditioning(dict(type=name, method=method), 6, 3)
    assert type(loss) is components.CONDITIONINGS[name]
    assert isinstance(head, conditioning.ClassifierHead)
    assert head(torch.randn(2, 6), torch.tensor([0, 2])).logits.shape == (2,)
    assert head.num_classes == 3
    assert not hasattr(head.adversarial, 'parametrizations')


def test_every_conditioning_is_plain_or_a_wrapper_that_is_covered_here():
    assert {*PLAIN, 'TAC', 'ADC', 'Info'} == set(components.CONDITIONINGS)


def test_a_built_conditioning_gets_a_head_too():
    own = conditioning.PD()
    loss, head = build_conditioning(own, 6, 3)
    assert loss is own
    assert type(head) is conditioning.ProjectionHead


def test_a_kit_reaches_the_head():
    layers = OrthogonalLayers(spectral_norm=False)
    _, head = build_conditioning(dict(type='PD', spectral_norm=True), 6, 3, layers)
    assert head.layers is layers
    assert not hasattr(head.embedding, 'parametrizations')


def test_no_conditioning_raises_and_says_how_to_have_none():
    message = r"model\.loss is missing.*type='D2DCE'.*type='Unconditional'"
    with pytest.raises(ValueError, match=message):
        build_conditioning(None, 6, 3)


def test_an_option_that_is_not_allowed_keeps_its_message():
    with pytest.raises(
        ValueError, match=r'margin=2 is out of range; allowed: \(0, 1\]'
    ):
        build_conditioning(dict(type='D2DCE', margin=2), 6, 3)
