import pytest

from reacgan_plugin.options import (
    at_least,
    counts,
    did_you_mean,
    flag,
    in_range,
    nearest,
    one_of,
    whole,
)


@pytest.mark.parametrize('value', [None, 'features', 'both'])
def test_an_allowed_value_is_returned(value):
    assert one_of('normalize', value, (None, 'features', 'both')) is value


def test_another_value_raises_with_the_key_the_choice_and_the_nearest():
    with pytest.raises(ValueError) as caught:
        one_of('normalize', 'feature', (None, 'features', 'both'))
    assert str(caught.value) == (
        "normalize='feature' is not known; allowed: None, 'features', 'both' "
        "(did you mean 'features'?)"
    )


def test_a_value_like_none_of_them_raises_without_a_suggestion():
    with pytest.raises(ValueError) as caught:
        one_of('amp', 7, (None, 'bf16'))
    assert str(caught.value) == "amp=7 is not known; allowed: None, 'bf16'"


def test_choices_may_be_the_keys_of_a_mapping_or_run_out_once():
    assert one_of('amp', 'b', {'a': 1, 'b': 2}) == 'b'
    assert one_of('amp', 'b', iter('ab')) == 'b'
    with pytest.raises(ValueError, match="'a', 'b'"):
        one_of('amp', 'zz', iter('ab'))


@pytest.mark.parametrize(
    'value, nearest',
    [
        ('D2DEC', 'D2DCE'),
        ('d2dce', 'D2DCE'),  # only the case differs
        ('d2d_ce', 'D2DCE'),
        ('unconditonal', 'Unconditional'),
        ('UNCONDITIONAL', 'Unconditional'),
    ],
)
def test_the_nearest_name_is_suggested_whatever_its_case(value, nearest):
    found = did_you_mean(value, ['AC', 'D2DCE', 'Unconditional', None, 3])
    assert found == f' (did you mean {nearest!r}?)'


@pytest.mark.parametrize('value', ['xyz', '', None, 7])
def test_nothing_is_suggested_for_a_name_far_from_all(value):
    assert did_you_mean(value, ['D2DCE', 'Unconditional']) == ''


@pytest.mark.parametrize('value', [0.01, 1, 1.0])
def test_a_number_in_range_is_returned(value):
    assert in_range('margin', value, above=0, up_to=1) is value


def test_without_an_upper_bound_large_numbers_pass():
    assert in_range('temperature', 1e9, above=0) == 1e9


@pytest.mark.parametrize('value', [0, -1.0, 1.0001, float('nan'), float('inf')])
def test_a_number_out_of_range_raises_with_the_interval(value):
    with pytest.raises(ValueError) as caught:
        in_range('margin', value, above=0, up_to=1)
    assert str(caught.value) == (f'margin={value!r} is out of range; allowed: (0, 1]')


def test_a_number_below_an_open_range_raises_with_its_bound():
    with pytest.raises(ValueError) as caught:
        in_range('temperature', 0.0, above=0)
    assert str(caught.value) == 'temperature=0.0 is out of range; allowed: above 0'


@pytest.mark.parametrize('value', [2.5, 2.0, True, '2', 0])
def test_what_is_no_whole_number_in_range_raises(value):
    with pytest.raises(ValueError, match=f'interval={value!r} .*allowed: above 0'):
        whole('interval', value, above=0)


def test_a_whole_number_in_range_is_handed_back():
    assert whole('interval', 3, above=0) == 3


def test_an_infinite_number_is_in_no_open_range():
    with pytest.raises(ValueError, match='t=inf .*allowed: a finite number above 0'):
        in_range('t', float('inf'), above=0)


@pytest.mark.parametrize('value', [0, 0.0, 3])
def test_a_number_that_is_large_enough_is_returned(value):
    assert at_least('loss_weight', value, 0) == value


@pytest.mark.parametrize('value', [-1e-9, float('nan'), float('inf'), '1', True, None])
def test_what_is_no_number_that_large_raises(value):
    with pytest.raises(ValueError, match='loss_weight=.*allowed: 0 or more'):
        at_least('loss_weight', value, 0)


def test_counts_are_whole_numbers_above_0_by_their_names():
    counts(z_dim=1, w_dim=512)
    with pytest.raises(ValueError, match='w_dim=0 is out of range; allowed: above 0'):
        counts(z_dim=1, w_dim=0)


@pytest.mark.parametrize('value', ['yes', 1, None])
def test_a_flag_is_true_or_false(value):
    assert flag('shuffle', False) is False
    with pytest.raises(ValueError, match=f'shuffle={value!r} .*allowed: True, False'):
        flag('shuffle', value)


def test_only_names_that_are_like_enough_are_near():
    names = ['total_batch_size', 'custom_hooks']
    assert nearest('totl_batch_size', names, cutoff=0.85) == 'total_batch_size'
    assert nearest('batch_size', names, cutoff=0.85) is None
