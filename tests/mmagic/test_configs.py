"""The key ``loss`` in configs: how it may be written, and what errors say."""

import subprocess
import sys

import pytest
import torch
from mmagic.models.editors.biggan import BigGAN
from mmagic.registry import MODELS
from mmengine.config import ConfigDict
from stock import CLASSES, STOCK, built, config, made, trained

import reacgan_plugin.integrations.mmagic  # noqa: F401
from reacgan_plugin.conditioning import D2DCELoss

D2DCE = dict(type='D2DCE', embed_dim=8)


def test_a_class_as_type_does_what_its_name_does():
    by_name = built('BigGAN', loss=D2DCE)
    by_class = built('BigGAN', type=BigGAN, loss=dict(type=D2DCELoss, embed_dim=8))
    assert isinstance(by_class, BigGAN)
    assert type(by_class) is type(by_name)
    assert by_class.state_dict().keys() == by_name.state_dict().keys()


def test_a_users_subclass_can_be_switched_too():
    class Mine(BigGAN):
        def __init__(self, *args, factor, **settings):
            super().__init__(*args, **settings)
            self.factor = factor

    model = made(config('BigGAN', type=Mine, factor=2, loss=D2DCE))
    assert isinstance(model, Mine) and model.factor == 2
    assert 'loss_disc_conditioning' in trained(model, 'BigGAN', iterations=1)[0]


@pytest.mark.parametrize('name', ['disc_loss', 'train_generator'])
def test_a_users_own_losses_are_not_lost_without_a_word(name):
    mine = type('Mine', (BigGAN,), {name: lambda self, *args: None})
    with pytest.raises(ValueError, match=f'Mine.{name} would be replaced'):
        made(config('BigGAN', type=mine, loss=D2DCE))


def test_losses_that_come_by_a_mixin_are_not_lost_either():
    mixin = type('Mixin', (), {'train_generator': lambda self, *args: None})
    mine = type('Mine', (mixin, BigGAN), {})
    with pytest.raises(ValueError, match='Mine.train_generator would be replaced'):
        made(config('BigGAN', type=mine, loss=D2DCE))


def test_a_trunk_keeps_its_names_so_that_stock_weights_load():
    stock, ours = built('BigGAN'), built('BigGAN', loss=D2DCE)
    names = set(ours.state_dict())
    lost = set(stock.state_dict()) - names
    assert {name.split('.')[1] for name in lost} == {'proj_y'}
    added = names - set(stock.state_dict())
    assert all(name.startswith('discriminator.head.') for name in added)


def test_stylegan2_takes_the_number_of_classes_from_its_generator_too():
    entries = config('StyleGAN2', loss=D2DCE)
    del entries['num_classes']
    entries['generator']['cond_size'] = CLASSES
    assert made(entries).num_classes == CLASSES


def wrong(name: str, **changes) -> dict:
    entries = config(name, loss=D2DCE)
    for key, value in changes.items():
        *path, last = key.split('__')
        target = entries
        for part in path:
            target = target[part]
        if value is None:
            del target[last]
        else:
            target[last] = value
    return entries


@pytest.mark.parametrize(
    'entries, message',
    [
        (wrong('BigGAN', loss=dict(type='D2DC')), "did you mean 'D2DCE'"),
        (wrong('BigGAN', loss=dict(type='D2DCE', margn=1)), "did you mean 'margin'"),
        (wrong('BigGAN', loss=dict(type='D2DCE', margin=2.0)), 'margin=2.0'),
        (wrong('BigGAN', loss=dict(type='Hinge')), 'no conditioning'),
        (
            wrong('BigGAN', loss=dict(type='TAC', method=dict(type='AC', nor=1))),
            'model.loss.method.nor is no setting of AC',
        ),
        (wrong('BigGAN', adversarial_loss='Hinge'), "'Hinge' is none"),
        (wrong('BigGAN', adversarial_loss=dict(type='Hing')), "mean 'Hinge'"),
        ({**config('BigGAN'), 'loss': None}, 'leave the key out'),
        (wrong('BigGAN', discriminator=None), 'model.discriminator is missing'),
        (
            wrong('BigGAN', loss=dict(type='Info', discrete=4, categories=10)),
            'the noise is 16 wide',
        ),
        (wrong('StyleGAN2', num_classes=None), 'model.num_classes is missing'),
        (wrong('StyleGAN2', generator__cond_size=7), 'cond_size=7'),
        (wrong('StyleGAN2', discriminator__cond_size=3), 'cond_size: leave it out'),
        (wrong('StyleGAN2', loss=dict(type='MH')), 'stands in for the hinge loss'),
    ],
)
def test_errors_name_the_key_and_what_is_allowed(entries, message):
    with pytest.raises(ValueError, match=message):
        made(ConfigDict(entries))


def test_images_without_a_class_are_refused():
    model = built('BigGAN', loss=D2DCE)
    batch = dict(gt_img=torch.zeros(2, 3, 32, 32))
    model.data_sample_to_label = lambda data_sample: None
    with pytest.raises(ValueError, match='no gt_label'):
        model.train_discriminator({}, batch, None)


def test_a_discriminator_without_a_known_last_layer_is_refused():
    entries = config('BigGAN', loss=D2DCE)
    entries['discriminator'] = torch.nn.Linear(3, 1)
    with pytest.raises(ValueError, match='decision, final_linear.1'):
        made(entries)


def test_the_registry_knows_all_stock_names():
    assert all(MODELS.get(entries['type']) for entries in STOCK.values())


def test_where_mmagic_is_missing_one_line_says_so():
    code = (
        'import sys; sys.modules["mmagic.models"] = None\n'
        'try:\n    import reacgan_plugin.integrations.mmagic\n'
        'except ModuleNotFoundError as error:\n    print(error)'
    )
    ended = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True
    )
    assert 'pip install mmagic' in ended.stdout
    assert ended.stdout.count('\n') == 1
