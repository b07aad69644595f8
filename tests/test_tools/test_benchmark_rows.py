import math

import pytest
from benchmark_rows import (
    Row,
    at_least,
    at_most,
    draw,
    faster,
    not_measured,
    share,
    smaller,
    table,
)


@pytest.mark.parametrize(
    'row, ratio, verdict',
    [
        (faster('a', ours=1, other=400, goal=400), 400, 'met'),
        (faster('a', ours=1, other=399, goal=400), 399, 'missed'),
        (faster('a', ours=2, other=1), 0.5, 'no goal'),
        (smaller('a', 10, bound=10), 1, 'met'),
        (smaller('a', 11, bound=10), 1.1, 'missed'),
        (share('a', part=1, whole=50, goal=0.02), 0.02, 'met'),
        (share('a', part=1, whole=49, goal=0.02), 1 / 49, 'missed'),
        (Row('a', ratio=0.0, goal=at_most(1e-6)), 0, 'met'),
        (Row('a', ratio=math.inf, goal=at_most(1)), math.inf, 'missed'),
    ],
)
def test_a_row_says_whether_its_ratio_reaches_the_goal(row, ratio, verdict):
    assert row.ratio == pytest.approx(ratio)
    assert row.verdict == verdict


@pytest.mark.parametrize('goal', [at_least(1), at_most(1)])
def test_a_ratio_that_is_no_number_reaches_no_goal(goal):
    assert Row('a', ratio=math.nan, goal=goal).verdict == 'missed'


def test_what_was_not_measured_has_a_reason_and_no_ratio():
    row = not_measured('on a GPU', at_least(2), 'no GPU')
    assert row.verdict == 'not measured: no GPU'
    assert table([row]).splitlines()[-1] == (
        '| on a GPU |  |  |  | >= 2 | not measured: no GPU |'
    )


def test_the_table_has_times_bytes_ratios_and_goals():
    lines = table(
        [
            faster('quick', ours=0.0015, other=25, goal=400),
            smaller('large', 1.5e6, bound=3e6),
            faster('other', ours=1, other=2),
        ]
    ).splitlines()
    assert lines[0].count('|') == lines[1].count('|') == 7
    assert lines[2:] == [
        '| quick | 1.5 ms | 25.0 s | 1.67e+04 | >= 400 | met |',
        '| large | 1.5 MB | 3.0 MB | 0.5 | <= 1 | met |',
        '| other | 1000.0 ms | 2000.0 ms | 2 |  | no goal |',
    ]


@pytest.mark.parametrize('ratios', [[2.0], [0.0, 3e-15, 800.0, math.inf, math.nan], []])
def test_any_ratios_can_be_drawn(tmp_path, ratios):
    rows = [Row('a', ratio=ratio, goal=at_least(1)) for ratio in ratios]
    rows += [Row('b', ratio=1.0), not_measured('c', None, 'no GPU')]
    draw(rows, tmp_path / 'bars.png', title='title')
    assert (tmp_path / 'bars.png').read_bytes().startswith(b'\x89PNG')
