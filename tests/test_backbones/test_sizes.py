import pytest

from reacgan_plugin.backbones.sizes import (
    DISCRIMINATOR_WIDTHS,
    GENERATOR_WIDTHS,
    HALVINGS,
    as_size,
    doubled_sides,
    halved_sides,
    pair,
    prepared_sides,
)

SIZES = [8, 16, 32, 64, 128, 256, 512, 1024]


def test_every_power_of_two_from_8_to_1024_is_in_every_table():
    for table in (GENERATOR_WIDTHS, DISCRIMINATOR_WIDTHS, HALVINGS):
        assert list(table) == SIZES


@pytest.mark.parametrize('size', SIZES)
def test_the_widths_are_as_many_as_the_stages(size):
    sides = doubled_sides((size, size))
    assert sides[0] == (4, 4)
    assert sides[-1] == (size, size)
    assert len(GENERATOR_WIDTHS[size]) == len(sides)
    assert len(DISCRIMINATOR_WIDTHS[size]) >= HALVINGS[size]


def test_rows_beyond_the_published_ones_go_on_by_the_rule():
    assert GENERATOR_WIDTHS[1024] == (*GENERATOR_WIDTHS[512], 1)
    assert DISCRIMINATOR_WIDTHS[1024] == (1, *DISCRIMINATOR_WIDTHS[512])
    assert GENERATOR_WIDTHS[512] == (*GENERATOR_WIDTHS[256], 1)
    assert DISCRIMINATOR_WIDTHS[512] == (1, *DISCRIMINATOR_WIDTHS[256])
    for size in (8, 16):
        assert set(GENERATOR_WIDTHS[size]) == set(GENERATOR_WIDTHS[32])
        assert DISCRIMINATOR_WIDTHS[size] == DISCRIMINATOR_WIDTHS[32]


@pytest.mark.parametrize('size', SIZES)
def test_discriminators_halve_down_to_4_but_the_published_one_for_32_to_8(size):
    smallest = 8 if size == 32 else 4
    assert halved_sides((size, size))[-1] == (smallest, smallest)


def test_the_long_side_only_stretches_the_features():
    assert doubled_sides((32, 48)) == [(4, 6), (8, 12), (16, 24), (32, 48)]
    assert doubled_sides((40, 16)) == [(10, 4), (20, 8), (40, 16)]
    assert halved_sides((64, 80)) == [(32, 40), (16, 20), (8, 10), (4, 5)]


@pytest.mark.parametrize(
    'size, sides, kept',
    [
        (32, (32, 32), 32),
        ((32, 32), (32, 32), 32),
        ([64, 32], (64, 32), (64, 32)),
        ((8, 10), (8, 10), (8, 10)),
        ((512, 640), (512, 640), (512, 640)),
    ],
)
def test_a_size_is_a_side_or_a_pair(size, sides, kept):
    assert prepared_sides(size) == pair(size) == sides
    assert as_size(sides) == kept


@pytest.mark.parametrize(
    'size, message',
    [
        (48, r'size=48 has the short side 48; allowed: 8, .*1024; nearest: 32 or 64$'),
        (4, r'short side 4; .*nearest: 8$'),
        (0, r'short side 0; .*nearest: 8$'),
        (-32, r'short side -32; .*nearest: 8$'),
        (2048, r'short side 2048; .*nearest: 1024$'),
        ((64, 48), r'size=\(64, 48\) has the short side 48; .*nearest: 32 or 64$'),
        ((32, 44), r'multiple of 8; nearest to 44: 40 or 48$'),
        ((72, 64), r'short side of 64, .*multiple of 16; nearest to 72: 64 or 80$'),
    ],
)
def test_a_size_that_does_not_fit_raises_and_names_the_nearest(size, message):
    with pytest.raises(ValueError, match=message):
        prepared_sides(size)


@pytest.mark.parametrize(
    'size', [None, True, '32', 32.0, (32,), (32, 32, 3), (32, 40.0), (), {32: 32}]
)
def test_what_is_neither_a_side_nor_a_pair_raises(size):
    with pytest.raises(
        ValueError, match='neither a side nor a pair .*shorter one of 8'
    ):
        prepared_sides(size)
