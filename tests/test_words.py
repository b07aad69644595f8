from argparse import ArgumentTypeError

import pytest

from reacgan_plugin.words import count, count_from, positive


def test_words_become_numbers():
    assert (count('12'), count_from(5, '5'), positive('.5')) == (12, 5, 0.5)


@pytest.mark.parametrize('kind, word, allowed', [
    (count, '0', '1 or more'),
    (count, '-1', '1 or more'),
    (count, '²', '1 or more'),  # a digit of which int() knows nothing
    (count, '1.5', '1 or more'),
    (lambda word: count_from(5, word), '4', '5 or more'),
    (positive, 'nan', 'a number above 0'),
    (positive, '0', 'a number above 0'),
    (positive, 'x', 'a number above 0'),
])  # fmt: skip
def test_words_that_are_none_are_refused_with_what_is_allowed(kind, word, allowed):
    with pytest.raises(ArgumentTypeError) as refused:
        kind(word)
    assert str(refused.value) == f'{word!r} is not allowed; allowed: {allowed}'
