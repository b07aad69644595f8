import typing
from collections.abc import Iterable, Mapping, Sequence
from inspect import Parameter
from os import PathLike

import pytest
from mmcv.transforms import ImageToTensor
from mmengine.hooks import CheckpointHook, Hook
from mmengine.model import BaseModule
from mmengine.optim import CosineAnnealingLR, LinearLR
from torch import nn

from reacgan_plugin.backbones import ResNetDiscriminator
from reacgan_plugin.conditioning import D2DCELoss
from reacgan_plugin.signatures import misfit, settings_of, shown


def misfit_of(value, annotation, default=Parameter.empty) -> str:
    parameter = Parameter('x', Parameter.KEYWORD_ONLY, annotation=annotation)
    return misfit(value, parameter.replace(default=default))


@pytest.mark.parametrize(
    'value, annotation',
    [
        (1, float),
        (0.5, float),
        (3, int),
        (True, bool),
        (None, int | None),
        ('a/b', str | PathLike),
        ([1, 2], tuple),
        ([1, 2], tuple[int, int]),
        ((16,), Sequence[int]),
        ((), Sequence[int]),
        ({'a': 1}, Mapping[str, float]),
        ({'type': 'ReLU'}, nn.Module),
        ([{'type': 'ReLU'}], Sequence[nn.Module | dict]),
        ('b', typing.Literal['a', 'b']),
        (object(), typing.Any),
        ('anything', 'a name that nobody has'),
        (1, typing.TypeVar('T')),
    ],
)
def test_what_an_annotation_says_fits(value, annotation):
    assert misfit_of(value, annotation) == ''


@pytest.mark.parametrize(
    'value, annotation, allowed',
    [
        ('0.9', float, 'a number'),
        (True, float, 'a number'),
        (True, int, 'a whole number'),
        (10.5, int, 'a whole number'),
        (1, bool, 'True or False'),
        (3, str, 'a word'),
        (None, int, 'a whole number'),
        ('16', Sequence[int], 'a list of whole numbers'),
        ({}, Sequence[dict], 'a list of dicts'),
        (['a'], Sequence[int], 'a list of whole numbers'),
        ('color', Iterable[str], 'a list of words'),
        ([1, 2, 3], tuple[int, int], '(a whole number, a whole number)'),
        (3, nn.Module | dict | None, 'a dict or None'),
        ({}, float | nn.Parameter, 'a number or a tensor'),
        ({'a': 'x'}, str | Mapping[str, float], 'a word or a dict'),
        (5, typing.Literal['a', 'b'], "'a' or 'b'"),
        (10**30, int, 'a number of 64 bits'),
    ],
)
def test_what_does_not_fit_is_told_in_words(value, annotation, allowed):
    assert misfit_of(value, annotation) == allowed


def test_none_is_allowed_where_it_is_the_default_whatever_the_annotation_says():
    assert misfit_of(None, int, default=None) == ''
    assert misfit_of('x', int, default=None) == 'a whole number or None'


class Anything(Hook):
    def __init__(self, **options):
        self.options = options


class Around(BaseModule):
    def __init__(self, size: int, init_cfg=None, **backbone):
        super().__init__(init_cfg)


class Fixed(nn.Linear):
    def __init__(self, **others):
        super().__init__(2, 3)


class Closed(Anything):
    def __init__(self, *, depth: int, width: int = 2):
        super().__init__(depth=depth, width=width)


class Plain(nn.Module):
    pass


def test_keywords_that_are_handed_on_are_those_of_the_base_class():
    known, _ = settings_of(D2DCELoss)
    assert {'margin', 'loss_weight'} <= set(known)
    assert known['loss_weight'].annotation is float
    known, takes_any = settings_of(CosineAnnealingLR)
    assert {'T_max', 'end'} <= set(known) and not takes_any


@pytest.mark.parametrize('kind', [Anything, Around, Fixed])
def test_a_class_of_a_user_that_takes_any_keywords_may_keep_them(kind):
    assert settings_of(kind)[1]


def test_what_its_base_needs_a_class_of_a_user_may_give_itself():
    known, _ = settings_of(Fixed)
    assert known['in_features'].default is None
    assert misfit('a word', known['in_features']) == ''


def test_only_annotations_that_hold_are_read():
    def users(size: int = 1):
        pass

    for kind, name in ((ImageToTensor, 'keys'), (Around, 'size'), (users, 'size')):
        assert misfit([1], settings_of(kind)[0][name]) == ''
    for kind, name in ((ResNetDiscriminator, 'size'), (LinearLR, 'end')):
        assert misfit('many', settings_of(kind)[0][name]) != ''


def test_a_class_that_hands_nothing_on_has_its_own_settings_alone():
    known, takes_any = settings_of(Closed)
    assert (set(known), takes_any) == ({'depth', 'width'}, False)


def test_a_module_without_a_constructor_takes_nothing():
    assert settings_of(Plain) == ({}, False)


def test_schedules_of_mmengine_are_seen_through_their_mixin():
    known, takes_any = settings_of(LinearLR)
    assert {'optimizer', 'start_factor', 'end', 'by_epoch'} <= set(known)
    assert not takes_any


def test_the_checkpoint_hook_takes_no_other_keywords():
    assert settings_of(CheckpointHook)[1] is False


def test_functions_have_settings_too():
    def make(a: int, *rest, b=2):
        pass

    assert set(settings_of(make)[0]) == {'a', 'b'}


def test_a_long_value_is_cut():
    assert len(shown(list(range(1000)))) < 110
    assert shown('a') == "'a'"
