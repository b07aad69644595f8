"""What ends in one line before the first step, and what in a traceback."""

import pytest
import torch
from mmengine.config.utils import ConfigParsingError
from mmengine.registry import MODELS

from reacgan_plugin.refusals import refusal


def raised(call) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: B017, PT011
        call()
    return caught.value


@pytest.mark.parametrize(
    'error, words',
    [
        (ValueError('margin=2'), 'margin=2'),
        (FileNotFoundError(2, 'No such file', 'a.png'), 'a.png'),
        (SyntaxError('invalid syntax'), 'invalid syntax'),
        (ModuleNotFoundError("No module named 'x'"), "an extra: No module named 'x'"),
        (ConfigParsingError('no\nbase'), 'the config cannot be read: no base'),
        (RecursionError('maximum depth'), 'the config holds itself'),
        (MemoryError('Unable to allocate'), 'more memory than there is: Unable'),
        (RuntimeError("can't allocate memory"), "more memory than there is: can't"),
        (torch.OutOfMemoryError('CUDA out of memory'), 'more memory than there is'),
    ],
)
def test_a_mistake_in_a_config_is_one_line(error, words):
    assert words in refusal(error) and '\n' not in refusal(error)


@pytest.mark.parametrize('kind', [RuntimeError, TypeError, KeyError, ZeroDivisionError])
def test_a_fault_of_ours_or_of_a_users_class_keeps_its_traceback(kind):
    def fails():
        raise kind('something')

    assert refusal(raised(fails)) is None


def test_what_openmmlab_refuses_without_naming_it_is_one_line():
    error = raised(lambda: MODELS.build(dict(type='NoSuchModel')))
    assert isinstance(error, KeyError)
    assert refusal(error).startswith('KeyError: ') and '\n' not in refusal(error)


def test_components_of_other_projects_refuse_in_any_way():
    def fails():
        raise TypeError('unexpected keyword')

    assert refusal(raised(fails), stock=True) == 'TypeError: unexpected keyword'
