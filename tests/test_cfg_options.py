import argparse

import pytest

from reacgan_plugin.cfg_options import CfgOptions


def parsed(*words: str) -> dict:
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=CfgOptions)
    return parser.parse_args(['--cfg-options', *words]).cfg_options


@pytest.mark.parametrize(
    'word, value',
    [
        ('a=3', 3),
        ('a=1e-4', 1e-4),
        ('a=true', True),
        ('a=None', None),
        ('a=D2DCE', 'D2DCE'),
        ('a=(1,2),x', [(1, 2), 'x']),
        ('a=[]', []),
    ],
)
def test_simple_values_are_those_of_mmengine(word, value):
    assert parsed(word) == {'a': value}


@pytest.mark.parametrize(
    'text',
    [
        "[dict(type='R1', weight=0.01), dict(type='ADA')]",
        "[{'type': 'R1', 'weight': 0.01}, {'type': 'ADA'}]",
        " [ dict(type = 'R1', weight = .01), {'type': 'ADA'} ] ",
    ],
)
def test_dicts_are_read_as_in_a_config(text):
    value = [dict(type='R1', weight=0.01), dict(type='ADA')]
    assert parsed(f'model.techniques={text}') == {'model.techniques': value}


def test_dicts_may_be_nested_and_hold_anything_plain():
    text = "dict(type='TAC', method=dict(type='AC', of=('a', None), deep={'b': -1}))"
    method = dict(type='AC', of=('a', None), deep={'b': -1})
    assert parsed(f'model.loss={text}', 'b=2') == {
        'model.loss': dict(type='TAC', method=method),
        'b': 2,
    }


@pytest.mark.parametrize(
    'text',
    [
        "dict(type=__import__('os').getcwd())",
        "[dict(type='ADA']",
        '{type: ADA}',
        "dict([('a', 1)])",
        "dict(**{'a': 1})",
    ],
)
def test_what_is_no_plain_value_ends_in_one_line(text, capsys):
    with pytest.raises(SystemExit) as stop:
        parsed(f'a={text}')
    assert stop.value.code == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert '--cfg-options: ' in last
    assert "[dict(type='DiffAugment')]" in last


def test_brackets_that_do_not_match_end_in_one_line(capsys):
    with pytest.raises(SystemExit):
        parsed('a=[1,(2]')
    assert 'Imbalanced brackets' in capsys.readouterr().err.splitlines()[-1]
