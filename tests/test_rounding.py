import pytest

from reacgan_plugin.rounding import rounded_up


@pytest.mark.parametrize(
    'share, number, expected',
    [(0.55, 100, 55), (0.551, 100, 56), (0.5, 3, 2), (1, 7, 7), (0.01, 1, 1)],
)
def test_shares_are_rounded_up_but_not_for_an_error_of_floats(share, number, expected):
    assert rounded_up(share, number) == expected
