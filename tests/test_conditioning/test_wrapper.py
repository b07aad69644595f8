"""What TAC, ADC and Info share: they stand around another conditioning."""

from copy import deepcopy

import pytest
import torch
from tiny_methods import FEATURES, LABEL, NESTED, WRAPPED, built, judged, shapes

from reacgan_plugin.conditioning import (
    AC,
    ADC,
    MH,
    TAC,
    D2DCELoss,
    Info,
)
from reacgan_plugin.config import load_config
from reacgan_plugin.config_checks import check_types
from reacgan_plugin.gan.adversarial import Hinge, Wasserstein
from reacgan_plugin.registry import build_conditioning

every_wrapper = pytest.mark.parametrize('wrapper', [TAC, ADC, Info])


@every_wrapper
@pytest.mark.parametrize('method', ['AC', 3, AC])
def test_what_is_neither_a_conditioning_nor_a_config_raises(wrapper, method):
    with pytest.raises(ValueError, match='method=.*a conditioning or its config'):
        wrapper(method)


@every_wrapper
def test_ac_is_the_method_where_none_is_named(wrapper):
    assert type(wrapper().method) is AC
    assert type(build_conditioning(dict(type=wrapper.__name__), 6, 3)[0].method) is AC


@every_wrapper
def test_a_method_is_built_of_its_config_with_its_options(wrapper):
    config = dict(type='D2DCE', embed_dim=5, margin=0.9, spectral_norm=False)
    loss, head = build_conditioning(dict(type=wrapper.__name__, method=config), 6, 3)
    assert type(loss) is wrapper
    assert type(loss.method) is D2DCELoss
    assert loss.method.margin == 0.9
    assert head.projection.linear.weight.shape == (5, 6)
    assert not hasattr(head.adversarial, 'parametrizations')
    assert config == dict(type='D2DCE', embed_dim=5, margin=0.9, spectral_norm=False)


@every_wrapper
def test_a_method_that_is_built_already_stays_the_same_object(wrapper):
    method = D2DCELoss(embed_dim=5)
    assert wrapper(method).method is method


def test_wrappers_nest_in_configs_too():
    inner = dict(type='ADC', method=dict(type='D2DCE', embed_dim=5))
    loss, head = build_conditioning(dict(type='Info', method=inner), 6, 3)
    assert [type(x) for x in (loss, loss.method, loss.method.method)] == [
        Info,
        ADC,
        D2DCELoss,
    ]
    assert head.proxies.num_embeddings == 2 * 3


@pytest.mark.parametrize('name', NESTED)
def test_information_around_a_wrapper_adds_its_own_weights_alone(name):
    loss, head = built(name)
    plain = loss.method.build_head(FEATURES, 3)
    added = shapes(head).keys() - shapes(plain).keys()
    assert added
    assert {key.split('.')[0] for key in added} == {'information'}


@pytest.mark.parametrize('outer, inner', [(TAC, ADC), (ADC, TAC), (TAC, Info)])
def test_a_classifier_is_wrapped_once(outer, inner):
    message = f'{outer.__name__} around {inner.__name__}: .*AC, 2C and D2DCE'
    with pytest.raises(ValueError, match=message):
        outer(inner())


@every_wrapper
def test_a_wrapper_of_its_own_kind_raises_and_is_named(wrapper):
    name = wrapper.__name__
    with pytest.raises(ValueError, match=f'{name} around {name}'):
        wrapper(wrapper())


def test_the_adversarial_part_and_the_need_of_reals_are_those_of_the_method():
    for feature_weight in (0, 1):
        loss, method = Info(MH(feature_weight=feature_weight)), MH()
        assert loss.needs_real is (feature_weight > 0)
        assert type(loss.adversarial(Hinge())) is type(method.adversarial(Hinge()))
    with pytest.raises(ValueError, match='found Wasserstein'):
        Info(MH()).adversarial(Wasserstein())
    given = Wasserstein()
    assert TAC().adversarial(given) is given


@pytest.mark.parametrize('name', [*WRAPPED, *NESTED])
def test_heads_are_heads_of_the_method(name):
    loss, head = built(name)
    assert isinstance(head, loss.method.head_class)
    assert type(head) is loss.head_class


@pytest.mark.parametrize('name', [*WRAPPED, *NESTED])
def test_a_copied_loss_builds_the_same_head(name):
    loss, head = built(name)
    copied = deepcopy(loss)
    other = copied.build_head(FEATURES, 3)
    assert shapes(other) == shapes(head)
    other.load_state_dict(head.state_dict())
    features = torch.randn(4, FEATURES)
    expected = judged(head.eval(), features, LABEL).logits
    assert torch.equal(judged(other.eval(), features, LABEL).logits, expected)


def test_a_config_that_is_no_conditioning_raises():
    with pytest.raises(ValueError, match="'Hinge'.*is no conditioning"):
        TAC(dict(type='Hinge'))


def checked(**loss):
    """The demo's config with another loss, as a training run checks it."""
    config, _ = load_config('biggan_reacgan_digits.py')
    config.model.loss = loss
    return check_types(config)


@pytest.mark.parametrize('kind', ['TAC', 'ADC', 'Info'])
@pytest.mark.parametrize('options', [{}, dict(method=dict(type='D2DCE', margin=0.9))])
def test_a_config_with_a_wrapper_passes_the_check(kind, options):
    assert checked(type=kind, **options) is None


@pytest.mark.parametrize(
    'method, message',
    [
        (dict(type='D2DEC'), r"^model\.loss\.method: type='D2DEC'.*mean 'D2DCE'\?"),
        (dict(margin=0.9), r'^model\.loss\.method: the key type is missing'),
        (
            dict(type='AC', loss_wight=2),
            r"^model\.loss\.method\.loss_wight .*setting of AC .*mean 'loss_weight'\?",
        ),
    ],
)
@pytest.mark.parametrize('kind', ['TAC', 'ADC', 'Info'])
def test_a_wrong_method_is_found_before_training_and_named_by_its_key(
    kind, method, message
):
    with pytest.raises(ValueError, match=message):
        checked(type=kind, method=method)


def test_a_misspelt_type_of_a_method_raises_when_it_is_built_too():
    config = dict(type='TAC', method=dict(type='D2DEC'))
    with pytest.raises(ValueError, match=r"type='D2DEC'.*\(did you mean 'D2DCE'\?\)"):
        build_conditioning(config, 6, 3)
